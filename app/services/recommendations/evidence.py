"""The evidence behind a user's scores: their weighted events and the neighbors of the items in them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.domain.events import Event
from app.domain.recommendations import CONTEXT, Reason, Recommendation
from app.recommender import ranking
from app.recommender.packing import Row

MAX_REASONS = 3
"""Reasons of a recommendation without `explain`."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A user's newest events with their weights, and the neighbor rows of their items."""

    events: Sequence[Event]
    weighted: Sequence[tuple[str, float]]
    neighbors: Mapping[str, Row]
    factors: Mapping[str, float]
    """The factors that ignored impressions leave of scores, by item."""
    recent: Mapping[str, float]
    """The factors of recent popularity, by item."""
    _shares: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def scores(self) -> dict[str, float]:
        """Returns the score of every neighbor."""
        scores = ranking.scores(self.weighted, self.neighbors)
        for factors in (self.factors, self.recent):
            for item_id, factor in factors.items():
                if item_id in scores:
                    scores[item_id] *= factor
        return scores

    def reason_items(self, item_ids: Iterable[str]) -> list[str]:
        """Returns the items that the short reasons of some items name."""
        return [
            self.events[position].item_id
            for item_id in item_ids
            for position, _ in self._shares_of(item_id)[:MAX_REASONS]
        ]

    def explain(self, recommendation: Recommendation, *, fully: bool) -> Recommendation:
        """Returns the recommendation with its reasons: all of them, or those with the largest shares."""
        shares = self._shares_of(recommendation.item_id)
        shown = shares if fully else shares[:MAX_REASONS]
        reasons = tuple(self._reason(recommendation, self.events[position], share) for position, share in shown)
        return replace(
            recommendation,
            reasons=reasons,
            impression_factor=self.factors.get(recommendation.item_id, 1.0),
            recent_factor=self.recent.get(recommendation.item_id, 1.0) if shares else 1.0,
        )

    def _shares_of(self, item_id: str) -> list[tuple[int, float]]:
        if item_id not in self._shares:
            self._shares[item_id] = ranking.shares(item_id, self.weighted, self.neighbors)
        return self._shares[item_id]

    def _reason(self, recommendation: Recommendation, event: Event, share: float) -> Reason:
        return Reason(
            item_id=event.item_id,
            event_type=event.event_type,
            timestamp=None if event.event_type == CONTEXT else event.timestamp,
            share=share,
            contribution=share * recommendation.score,
            event_id=event.event_id or None,
            from_order=self.neighbors[event.item_id].from_order(recommendation.item_id),
        )
