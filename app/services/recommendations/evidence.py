"""The evidence behind scores: weighted events, items of a cart, and the rows that these count through."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from app.domain.events import Event
from app.domain.recommendations import CONTEXT, IN_CART, Reason, Recommendation
from app.recommender import ranking
from app.recommender.packing import Row

MAX_REASONS = 3
"""Reasons of a recommendation without `explain`."""
NO_TITLES: Mapping[str, str | None] = {}


class Source(NamedTuple):
    """An event, or an item as if it were one, with its weight and the row that it counts through."""

    event: Event
    weight: float
    row: Row


@dataclass(frozen=True)
class Evidence:
    """What scores come from."""

    sources: Sequence[Source]
    factors: Mapping[str, float] = field(default_factory=dict)
    """The factors that ignored impressions leave of scores, by item."""
    recent: Mapping[str, float] = field(default_factory=dict)
    """The factors of recent popularity, by item."""
    _shares: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def scores(self) -> dict[str, float]:
        """Returns the score of every neighbor."""
        scores = ranking.scores(self._weighted_rows)
        for factors in (self.factors, self.recent):
            for item_id, factor in factors.items():
                if item_id in scores:
                    scores[item_id] *= factor
        return scores

    def reason_items(self, item_ids: Iterable[str], *, fully: bool = False) -> list[str]:
        """Returns the items that the reasons of some items name."""
        return [
            self.sources[position].event.item_id
            for item_id in item_ids
            for position, _ in self._shown(item_id, fully=fully)
        ]

    def explain(
        self,
        recommendation: Recommendation,
        titles: Mapping[str, str | None] = NO_TITLES,
        *,
        fully: bool,
        with_reasons: bool = True,
    ) -> Recommendation:
        """Returns the recommendation with its factors and reasons: all reasons, or those with the largest shares."""
        shares = self._shown(recommendation.item_id, fully=fully)
        reasons = tuple(
            _reason(recommendation, self.sources[position], share, titles) for position, share in shares if with_reasons
        )
        return recommendation._replace(
            reasons=reasons,
            impression_factor=self.factors.get(recommendation.item_id, 1.0),
            recent_factor=self.recent.get(recommendation.item_id, 1.0) if shares else 1.0,
        )

    def _shown(self, item_id: str, *, fully: bool) -> list[tuple[int, float]]:
        shares = self._shares_of(item_id)
        return shares if fully else shares[:MAX_REASONS]

    def _shares_of(self, item_id: str) -> list[tuple[int, float]]:
        if item_id not in self._shares:
            self._shares[item_id] = ranking.shares(item_id, self._weighted_rows)
        return self._shares[item_id]

    @cached_property
    def _weighted_rows(self) -> list[tuple[float, Row]]:
        return [(source.weight, source.row) for source in self.sources]


def _reason(recommendation: Recommendation, source: Source, share: float, titles: Mapping[str, str | None]) -> Reason:
    event, item_id = source.event, recommendation.item_id
    together, baskets = source.row.baskets(item_id) or (None, None)
    return Reason(
        item_id=event.item_id,
        event_type=event.event_type,
        timestamp=None if event.event_type in {CONTEXT, IN_CART} else event.timestamp,
        share=share,
        contribution=share * recommendation.score,
        title=titles.get(event.item_id),
        event_id=event.event_id or None,
        from_order=source.row.from_order(item_id),
        baskets_together=together,
        baskets=baskets,
    )
