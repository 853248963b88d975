"""The places of one answer: candidates in, those that may be shown out, in the order that rules and diversity give."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from app.deadline import remaining_seconds
from app.domain.recommendations import Recommendation, RecommendationQuery, item_digest
from app.errors import InvalidInput
from app.recommender import diversity, rules
from app.recommender.diversity import Caps
from app.recommender.rules import Facts, Kind, Rule
from app.services.recommendations.catalog_snapshot import CachedItem

SPARE_CANDIDATES = 10
POOL = 5
"""Of how many candidates a place diversity chooses."""
LEAST_SECONDS = 2.0
"""An answer whose rules leave less than that of the request's time is given up."""
BETWEEN_LOOKS = 500
"""Items between two looks at the clock."""

Look = Callable[[Sequence[str]], Mapping[str, CachedItem]]
"""Gives the items of some ids, those left out of which nothing is known."""
NOBODY: Facts = {"id": "", "properties": {}}


@dataclass(frozen=True)
class Rules:
    """The compiled filters and boost of a wish, and what they may look at."""

    filters: tuple[Rule, ...]
    boost: Rule | None
    now: datetime
    user: Facts = field(default_factory=lambda: NOBODY)

    @classmethod
    def of(cls, wish: RecommendationQuery, now: datetime) -> "Rules":
        """Raises InvalidInput where an expression is wrong."""
        return cls(
            tuple(rules.compiled(Kind.FILTER, one) for one in wish.filters),
            rules.compiled(Kind.BOOST, wish.boost) if wish.boost is not None else None,
            now,
        )

    @property
    def use_user(self) -> bool:
        return any(rule is not None and rule.uses_user for rule in (*self.filters, self.boost))

    def admits(self, item_id: str, known: CachedItem | None) -> bool:
        """Whether an item may be shown and passes all filters."""
        if known is not None and not known.item.is_shown(self.now):
            return False
        return all(self._value(rule, item_id, known) > 0 for rule in self.filters)

    def factor(self, item_id: str, known: CachedItem | None) -> float:
        return 1.0 if self.boost is None else self._value(self.boost, item_id, known)

    def _value(self, rule: Rule, item_id: str, known: CachedItem | None) -> float:
        if known is None:  # it was never put: all that is known of it is its id
            return rule.value({"id": item_id, "title": "", "categories": [], "properties": {}}, self.user, self.now)
        return known.value(rule, self.user, self.now)


@dataclass(frozen=True)
class Excluded(Container[str]):
    """Items that must not come: by their ids, or by the digests that a page token holds."""

    item_ids: frozenset[str]
    shown: frozenset[bytes] = frozenset()

    def __contains__(self, item_id: object) -> bool:
        return item_id in self.item_ids or (bool(self.shown) and item_digest(str(item_id)) in self.shown)

    def __or__(self, more: Iterable[str]) -> "Excluded":
        return Excluded(self.item_ids.union(more), self.shown)


class CandidateFilter:
    def __init__(self, wish: RecommendationQuery, applied: Rules, excluded: Excluded, look: Look) -> None:
        self._wish, self._rules, self._excluded, self._look = wish, applied, excluded, look
        self._caps = Caps(wish.diversity)
        self.kept: list[Recommendation] = []

    def missing(self, limit: int) -> int:
        return max(0, limit - len(self.kept))

    def take(self, candidates: Iterable[Recommendation], limit: int) -> None:
        """Add candidates, best first, until there are `limit` in all.

        With a boost, all candidates are looked at and ordered by score times boost, those without a score by the boost.
        """
        taken = {one.item_id for one in self.kept}
        admitted = self._admitted(one for one in candidates if one.item_id not in taken)
        if self._rules.boost is not None:
            admitted = iter(sorted(admitted, key=lambda one: (-one.score, -one.boost)))
        relevance = self._wish.diversity.relevance if self._wish.diversity else None
        if relevance is not None:
            admitted = iter(self._diverse(list(islice(admitted, POOL * max(limit, SPARE_CANDIDATES))), relevance))
        while len(self.kept) < limit and (one := next(admitted, None)):
            if self._caps.admits(one.item):
                self.kept.append(one)

    def _diverse(self, pool: list[Recommendation], relevance: float) -> list[Recommendation]:
        compared = [diversity.features(one.item) for one in pool]
        chosen = [diversity.features(one.item) for one in self.kept]
        order = diversity.most_marginal([one.score for one in pool], compared, chosen, relevance, len(pool))
        return [pool[at] for at in order]

    def _admitted(self, candidates: Iterable[Recommendation]) -> Iterator[Recommendation]:
        """Those that may be shown, with their items, in the same order."""
        remaining, size, number = iter(candidates), self._wish.limit + SPARE_CANDIDATES, 0
        while chunk := list(islice(remaining, size)):
            known = self._look([one.item_id for one in chunk])
            for one in chunk:
                number += 1
                if number % BETWEEN_LOOKS == 0 and remaining_seconds() < LEAST_SECONDS:
                    raise InvalidInput("The filter or boost costs too much for so many items. Simplify it.")
                found = known.get(one.item_id)
                if one.item_id in self._excluded or not self._rules.admits(one.item_id, found):
                    continue
                factor = self._rules.factor(one.item_id, found)
                yield replace(one, item=found.item if found else None, score=one.score * factor, boost=factor)
            size = min(2 * size, 100)
