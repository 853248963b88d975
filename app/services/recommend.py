"""What should this user see next: newest events, neighbour rows, facts, and lists where these give too few."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.config import Settings
from app.domain import ActiveModel, Answer, Event, Item, Reason, Recommendation, Scoring
from app.errors import NotFound, Unavailable
from app.recommender import ranking, weights
from app.services.serving_cache import ServingCache
from app.storage.events import Events
from app.storage.neighbours import POPULAR, TRENDING

NEIGHBOURS, SIMILAR, LATEST, GIVEN = "neighbours", "similar", "latest", "given"
FALLBACKS = (TRENDING, POPULAR, LATEST)
"""Lists that fill up an answer, in this order."""
SHOWN_REASONS = 3
SPARE_CANDIDATES = 10
MAX_PAGES = 4
MAX_SOURCES = 100
"""Neighbour rows that one answer sums up: those of the user's newest items."""


@dataclass(frozen=True)
class Wish:
    """What the caller asks of an answer."""

    limit: int = 10
    exclude: frozenset[str] = frozenset()
    event_types: frozenset[str] | None = None
    include_seen: bool = False
    explain: bool = False
    consistent: bool = False


@dataclass(frozen=True, slots=True)
class _Evidence:
    """A user's newest events, what each weighs, and the neighbour rows of their items."""

    events: Sequence[Event]
    weighted: Sequence[tuple[str, float]]
    rows: dict[str, dict[str, float]]

    def scores(self) -> dict[str, float]:
        return ranking.scores(self.weighted, self.rows)

    def explained(self, one: Recommendation, wish: Wish) -> Recommendation:
        """With the events that it comes from and their shares, all of them or the largest."""
        shares = ranking.shares(one.item_id, self.weighted, self.rows)
        shown = shares if wish.explain else shares[:SHOWN_REASONS]
        named = ((self.events[place], share) for place, share in shown)
        reasons = tuple(Reason(event.item_id, event.event_type, event.timestamp, share) for event, share in named)
        return replace(one, reasons=reasons)


class Recommend:
    def __init__(
        self,
        events: Events,
        cache: ServingCache,
        settings: Settings,
        beside: Callable[..., Future[Any]],
        clock: Callable[[], datetime],
    ) -> None:
        self._events, self._cache = events, cache
        self._settings, self._beside, self._clock = settings, beside, clock

    def for_user(self, project: str, user_id: str, wish: Wish) -> Answer:
        """The user's recommendations; when the database is gone, the last popular list in memory."""
        try:
            events, active = self._history(project, user_id, consistent=wish.consistent)
            return self._answer(project, events, active, wish)
        except Unavailable:
            return self._degraded(project, wish)

    def for_session(self, project: str, events: Sequence[Event], wish: Wish) -> Answer:
        """The same for somebody unknown, from the events that he sends along."""
        try:
            return self._answer(project, events, self._cache.active(project), wish)
        except Unavailable:
            return self._degraded(project, wish)

    def similar(self, project: str, item_id: str, wish: Wish) -> Answer:
        """Neighbours of one item.

        Raises:
            NotFound: no model and no item knows this id.
        """
        try:
            active = self._cache.active(project)
            row = self._cache.rows(project, active, [item_id]).get(item_id, {}) if active else {}
            if not row and self._unknown(project, item_id):
                raise NotFound("There is no such item.")
            excluded = wish.exclude | {item_id}
            best = [Recommendation(name, score, SIMILAR) for name, score in ranking.ranked(row, excluded)]
            return self._filled(project, active, best, excluded, {}, wish)
        except Unavailable:
            return self._degraded(project, replace(wish, exclude=wish.exclude | {item_id}))

    def rank(self, project: str, user_id: str, item_ids: Sequence[str], wish: Wish) -> Answer:
        """The given items, best for the user first; those that nothing is known of keep their order at the end.

        What he disliked comes last.
        """
        events, active = self._history(project, user_id, consistent=wish.consistent)
        evidence = self._evidence(project, events, active, wish)
        scores = _lowered(evidence.scores(), weights.ignored(events))
        disliked = weights.disliked(events)
        order = sorted(dict.fromkeys(item_ids), key=lambda item_id: (item_id in disliked, -scores.get(item_id, 0.0)))
        ranked = [
            Recommendation(item_id, scores.get(item_id, 0.0), NEIGHBOURS if item_id in scores else GIVEN)
            for item_id in order
        ]
        facts = self._cache.facts(project, order)
        explained = [replace(evidence.explained(one, wish), item=facts.get(one.item_id)) for one in ranked]
        return Answer(tuple(explained), active)

    def listed(self, project: str, kind: str, category: str | None, limit: int) -> Answer:
        """The items of one of the lists: popular, trending or latest."""
        active = self._cache.active(project) if kind == POPULAR else None
        return Answer(tuple(self._available(project, self._listed(project, active, kind, category), limit)), active)

    def _history(self, project: str, user_id: str, *, consistent: bool) -> tuple[list[Event], ActiveModel | None]:
        """The user's newest events and the pointer, fetched side by side where the pointer is not in memory."""
        pointer = None if self._cache.knows_active(project) else self._beside(self._cache.active, project)
        events = self._newest(project, user_id, consistent=consistent)
        return events, pointer.result() if pointer else self._cache.active(project)

    def _newest(self, project: str, user_id: str, *, consistent: bool) -> list[Event]:
        """A page of his newest events, or more pages where impressions fill them."""
        size = self._settings.history_events
        events = page = self._events.newest(project, user_id, size, consistent=consistent)
        for _ in range(MAX_PAGES - 1):
            telling = sum(event.event_type != weights.IMPRESSION for event in events)
            if len(page) < size or telling >= size / 2:
                break
            page = self._events.newest(project, user_id, size, consistent=consistent, before=page[-1])
            events = events + page
        return events

    def _answer(self, project: str, events: Sequence[Event], active: ActiveModel | None, wish: Wish) -> Answer:
        evidence = self._evidence(project, events, active, wish)
        seen = set() if wish.include_seen else weights.seen(events)
        excluded = wish.exclude | seen | weights.disliked(events)
        factors = weights.ignored(events)
        ranked = ranking.ranked(_lowered(evidence.scores(), factors), excluded)
        best = [Recommendation(item_id, score, NEIGHBOURS) for item_id, score in ranked]
        explained = (evidence.explained(one, wish) for one in best)
        return self._filled(project, active, explained, excluded, factors, wish)

    def _filled(
        self,
        project: str,
        active: ActiveModel | None,
        best: "Sequence[Recommendation] | Iterator[Recommendation]",
        excluded: frozenset[str] | set[str],
        factors: Mapping[str, float],
        wish: Wish,
    ) -> Answer:
        """The best candidates that may be shown, then those of the fallback lists until there are enough."""
        kept = self._available(project, best, wish.limit)
        for source in FALLBACKS:
            if len(kept) == wish.limit:
                break
            listed = self._listed(project, active, source, None)
            taken = {one.item_id for one in kept}.union(excluded)
            fresh = [
                replace(one, score=one.score * factors.get(one.item_id, 1.0))
                for one in listed
                if one.item_id not in taken
            ]
            fresh.sort(key=lambda one: -one.score)
            kept += self._available(project, fresh, wish.limit - len(kept))
        return Answer(tuple(kept), active)

    def _available(
        self, project: str, candidates: "Sequence[Recommendation] | Iterator[Recommendation]", limit: int
    ) -> list[Recommendation]:
        """The first candidates that were not deleted, with their facts and the titles of their reasons."""
        kept: list[Recommendation] = []
        remaining = iter(candidates)
        while len(kept) < limit:
            wanted = limit - len(kept) + SPARE_CANDIDATES
            chunk = [one for one, _ in zip(remaining, range(wanted), strict=False)]
            if not chunk:
                break
            names = {one.item_id for one in chunk} | {reason.item_id for one in chunk for reason in one.reasons}
            facts = self._cache.facts(project, sorted(names))
            for one in chunk:
                item = facts.get(one.item_id)
                if not _is_deleted(item):
                    kept.append(replace(one, item=item, reasons=_titled(one.reasons, facts)))
        return kept[:limit]

    def _evidence(self, project: str, events: Sequence[Event], active: ActiveModel | None, wish: Wish) -> "_Evidence":
        history = weights.of_history(events, active.scoring if active else Scoring(), wish.event_types)
        newest = sorted(history, key=lambda entry: entry[0].timestamp, reverse=True)[:MAX_SOURCES]
        weighted = [(event.item_id, weight) for event, weight in newest]
        rows = self._cache.rows(project, active, [item_id for item_id, _ in weighted]) if active else {}
        return _Evidence([event for event, _ in newest], weighted, rows)

    def _listed(
        self, project: str, active: ActiveModel | None, kind: str, category: str | None
    ) -> list[Recommendation]:
        if kind == TRENDING:
            scores = self._cache.trending(project, category or "", self._clock().timestamp())
        elif kind == POPULAR:
            scores = self._cache.popular(project, active, category or "")
        else:
            scores = dict.fromkeys(self._cache.latest(project, category), 0.0)
        return [Recommendation(item_id, score, kind) for item_id, score in scores.items()]

    def _unknown(self, project: str, item_id: str) -> bool:
        item = self._cache.facts(project, [item_id]).get(item_id)
        return item is None or item.deleted

    def _degraded(self, project: str, wish: Wish) -> Answer:
        """The last popular list in memory; raises Unavailable where there is none."""
        active, listed = self._cache.last_popular(project)
        facts = self._cache.remembered_facts(project, listed)
        kept = [
            Recommendation(item_id, score, POPULAR, item=facts.get(item_id))
            for item_id, score in listed.items()
            if item_id not in wish.exclude and not _is_deleted(facts.get(item_id))
        ]
        return Answer(tuple(kept[: wish.limit]), active, degraded=True)


def _lowered(scores: Mapping[str, float], factors: Mapping[str, float]) -> dict[str, float]:
    return {item_id: score * factors.get(item_id, 1.0) for item_id, score in scores.items()}


def _is_deleted(item: Item | None) -> bool:
    return item is not None and item.deleted


def _titled(reasons: Sequence[Reason], facts: dict[str, Item]) -> tuple[Reason, ...]:
    return tuple(
        replace(reason, title=facts[reason.item_id].title if reason.item_id in facts else None) for reason in reasons
    )
