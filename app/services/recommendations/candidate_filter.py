"""The candidate filter: takes candidates best first, and keeps those that exclusions, rules and diversity allow."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from itertools import islice

from app.deadline import remaining_seconds
from app.domain.recommendations import Recommendation, RecommendationQuery, item_digest
from app.errors import DeadlineExceeded
from app.recommender import diversity, rules
from app.recommender.cel.work import Work
from app.recommender.diversity import Caps
from app.recommender.rules import Facts, Failed, Kind, Rule
from app.services.catalog.snapshot import CachedItem

SPARE_CANDIDATES = 10
POOL = 5
"""Candidates per position that diversity chooses from."""
STEPS, STEPS_AN_ITEM = 300_000, 20
"""What the rules of a request may do: 500,000 steps, or about 50 ms, with 10,000 items."""
MAX_CHUNK = 100

FetchItems = Callable[[Sequence[str]], Mapping[str, CachedItem]]
"""Returns items by id; unknown ids are left out."""
NO_USER: Facts = {"id": "", "properties": {}}


def _check_time() -> None:
    if remaining_seconds() <= 0:
        raise DeadlineExceeded("The request ran out of time while its rules were tried on items. Try again.")


@dataclass(slots=True)
class Tried:
    """How often a rule was tried on an item, and how often it had no value."""

    times: int = 0
    failures: int = 0
    first: Failed | None = None
    facts: Facts = field(default_factory=dict)
    """Of the item of the first failure."""

    def add(self, value: float, facts: Facts) -> None:
        """Counts a value of the rule for an item with these facts."""
        self.times += 1
        if isinstance(value, Failed):
            self.failures += 1
            if self.first is None:
                self.first, self.facts = value, facts

    def warning(self, rule: Rule) -> str:
        """Returns what to tell the caller of a rule that had no value for any item."""
        assert self.first is not None  # noqa: S101 - it had no value at least once
        near = get_close_matches(self.first.missing or "", self.facts, 1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        return f"The {rule.kind.value} has no value for any item that it was tried on: {self.first.reason}.{hint}"


@dataclass(frozen=True)
class Rules:
    """The compiled filters and boost of a query, with the user and the time that they see."""

    filters: tuple[Rule, ...]
    boost: Rule | None
    now: datetime
    user: Facts = field(default_factory=lambda: NO_USER)
    work: Work = field(default_factory=lambda: Work(STEPS, _check_time))
    tried: dict[Rule, Tried] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """Other warnings about the filters."""

    @classmethod
    def of(cls, query: RecommendationQuery, now: datetime) -> "Rules":
        """Compiles the rules of a query.

        Raises:
            InvalidInput: an expression is invalid.
        """
        return cls(
            filters=tuple(rules.compiled(Kind.FILTER, source) for source in query.filters),
            boost=rules.compiled(Kind.BOOST, query.boost) if query.boost is not None else None,
            now=now,
        )

    @property
    def use_user(self) -> bool:
        return any(rule is not None and rule.uses_user for rule in (*self.filters, self.boost))

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence about each rule that had no value for any item, and the notes."""
        useless = [tried.warning(rule) for rule, tried in self.tried.items() if tried.failures == tried.times]
        return (*useless, *self.notes)

    def admit(self, item_id: str, cached: CachedItem | None) -> bool:
        """Whether an item is visible and passes all filters.

        Raises:
            InvalidInput: the rules take too many steps or too long.
        """
        if cached is not None and not cached.item.is_shown(self.now):
            return False
        self.work.allow(STEPS_AN_ITEM)
        return all(self._value(rule, item_id, cached) > 0 for rule in self.filters)

    def factor(self, item_id: str, cached: CachedItem | None) -> float:
        """Returns the factor of the boost; 1 without a boost. Raises as `admit`."""
        return 1.0 if self.boost is None else float(self._value(self.boost, item_id, cached))

    def _value(self, rule: Rule, item_id: str, cached: CachedItem | None) -> float:
        if cached is None:  # the item was never put: only its id is available
            facts: Facts = {"id": item_id, "title": "", "categories": [], "properties": {}}
            value = rule.value(facts, self.user, self.now, self.work)
        else:
            facts, value = cached.facts, cached.value(rule, self.user, self.now, self.work)
        tried = self.tried.get(rule) or self.tried.setdefault(rule, Tried())
        tried.add(value, facts)
        return value


@dataclass(frozen=True)
class Excluded(Container[str]):
    """Items that a list must not hold, by id or by the digests of a page token."""

    item_ids: frozenset[str]
    shown: frozenset[bytes] = frozenset()

    def __contains__(self, item_id: object) -> bool:
        return item_id in self.item_ids or (bool(self.shown) and item_digest(str(item_id)) in self.shown)

    def among(self, item_ids: Iterable[str]) -> Container[str]:
        """Returns what says as quickly as a set which of some items must not be in the list."""
        if not self.shown:
            return self.item_ids
        return {item_id for item_id in item_ids if item_id in self}

    def __or__(self, item_ids: Iterable[str]) -> "Excluded":
        return Excluded(self.item_ids.union(item_ids), self.shown)


class CandidateFilter:
    """Collects the items of one list; candidates come from one source after another."""

    def __init__(
        self,
        query: RecommendationQuery,
        rules: Rules,
        excluded: Excluded,
        fetch_items: FetchItems,
        admit_unknown: Callable[[], bool],
    ) -> None:
        """`admit_unknown` returns whether items without a record are kept; it is called if there are such items."""
        self._query, self._rules, self._excluded, self._fetch_items = query, rules, excluded, fetch_items
        self._admit_unknown = cache(admit_unknown)
        self._caps = Caps(query.diversity)
        self.kept: list[Recommendation] = []

    def missing(self, limit: int) -> int:
        """Returns how many items the list lacks."""
        return max(0, limit - len(self.kept))

    def add(self, candidates: Iterable[Recommendation], limit: int) -> None:
        """Adds candidates, best first, until the list has `limit` items.

        With a boost, all candidates are considered, ordered by score times boost; if the score is 0, by the boost.
        """
        kept = {recommendation.item_id for recommendation in self.kept}
        admitted = self._admitted(candidate for candidate in candidates if candidate.item_id not in kept)
        if self._rules.boost is not None:
            admitted = iter(sorted(admitted, key=lambda candidate: (-candidate.score, -candidate.boost)))
        relevance = self._query.diversity.relevance if self._query.diversity else None
        if relevance is not None:
            admitted = iter(self._diversified(list(islice(admitted, POOL * max(limit, SPARE_CANDIDATES))), relevance))
        while len(self.kept) < limit and (candidate := next(admitted, None)):
            if self._caps.admits(candidate.item):
                self.kept.append(candidate)

    def _diversified(self, pool: list[Recommendation], relevance: float) -> list[Recommendation]:
        candidates = [diversity.features(candidate.item) for candidate in pool]
        kept = [diversity.features(recommendation.item) for recommendation in self.kept]
        scores = [candidate.score for candidate in pool]
        order = diversity.most_marginal(scores, candidates, kept, relevance, len(pool))
        return [pool[position] for position in order]

    def _admitted(self, candidates: Iterable[Recommendation]) -> Iterator[Recommendation]:
        """Yields the candidates that may be shown, with their items, in the same order. Raises as `Rules.admit`."""
        remaining, size = iter(candidates), self._query.limit + SPARE_CANDIDATES
        while chunk := list(islice(remaining, size)):
            items = self._fetch_items([candidate.item_id for candidate in chunk])
            for candidate in chunk:
                item_id, cached = candidate.item_id, items.get(candidate.item_id)
                if item_id in self._excluded or not self._rules.admit(item_id, cached):
                    continue
                if cached is None and not self._admit_unknown():
                    continue
                factor = self._rules.factor(item_id, cached)
                item = cached.item if cached else None
                yield candidate._replace(item=item, score=candidate.score * factor, boost=factor)
            size = min(2 * size, MAX_CHUNK)
