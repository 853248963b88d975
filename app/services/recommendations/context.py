"""What an answer is made of: the user's events, the model's pointer and rows, items and lists, fetched side by side."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from app.config import Settings
from app.domain.events import Event
from app.domain.models import ActiveModel, Scoring
from app.domain.recommendations import CONTEXT, LATEST, POPULAR, TRENDING, Reason, Recommendation, RecommendationQuery
from app.domain.users import session_of
from app.recommender import experiments, ranking, rules, weights
from app.services.recommendations.cache import ServingCache
from app.services.recommendations.candidate_filter import Look, Rules
from app.services.recommendations.catalog_changes import CatalogChanges
from app.services.recommendations.catalog_snapshot import CachedItem, CatalogSnapshot
from app.services.recommendations.cold_start import ColdStart
from app.storage.events import EventStore
from app.storage.users import UserStore

SHOWN_REASONS = 3
MAX_PAGES = 4
MAX_SOURCES = 100
"""Neighbor rows that one answer sums up: those of the user's newest items."""
CONTEXT_WEIGHT = 3.0


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request, with all that it looks at besides the user's events."""

    project: str
    user_id: str
    wish: RecommendationQuery
    rules: Rules
    active: ActiveModel | None
    other: ActiveModel | None = None
    """The version whose list is mixed with the active one's."""
    shadow: ActiveModel | None = None
    """The version whose list is compared with the answer."""
    catalog: Mapping[str, CachedItem] | None = None
    """All items in memory, where rules look at them; None where they do not."""
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """A user's newest events, what each weighs, and the neighbor rows of their items."""

    events: Sequence[Event]
    weighted: Sequence[tuple[str, float]]
    rows: Mapping[str, Mapping[str, float]]
    factors: Mapping[str, float]
    """What impressions leave of scores."""
    _shares: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    """Of the items that were asked for."""

    def scores(self) -> dict[str, float]:
        total = ranking.scores(self.weighted, self.rows)
        return {item_id: score * self.factors.get(item_id, 1.0) for item_id, score in total.items()}

    def named(self, item_ids: Iterable[str]) -> list[str]:
        """The items that the short reasons of some items name."""
        return [self.events[place].item_id for one in item_ids for place, _ in self._shares_of(one)[:SHOWN_REASONS]]

    def explained(self, one: Recommendation, *, fully: bool) -> Recommendation:
        """With the events that it comes from and their shares, all of them or the largest."""
        shares = self._shares_of(one.item_id)
        shown = shares if fully else shares[:SHOWN_REASONS]
        reasons = tuple(_reason(self.events[place], share, one.score) for place, share in shown)
        return replace(one, reasons=reasons, rotation=self.factors.get(one.item_id, 1.0))

    def _shares_of(self, item_id: str) -> list[tuple[int, float]]:
        if item_id not in self._shares:
            self._shares[item_id] = ranking.shares(item_id, self.weighted, self.rows)
        return self._shares[item_id]


class ContextLoader:
    def __init__(
        self,
        events: EventStore,
        users: UserStore,
        cache: ServingCache,
        changes: CatalogChanges,
        assortment: CatalogSnapshot,
        settings: Settings,
        beside: Callable[..., Future[Any]],
    ) -> None:
        self._events, self._users, self._cache, self._assortment = events, users, cache, assortment
        self._changes, self._settings, self._beside = changes, settings, beside
        self._newcomers = ColdStart(cache, beside)

    def gathered(
        self,
        project: str,
        user_id: str,
        wish: RecommendationQuery,
        applied: Rules,
        read: Callable[[], Sequence[Event]] | None = None,
    ) -> tuple[RequestContext, Sequence[Event]]:
        """The request, and the user's events; what is not in memory is fetched side by side.

        That is the pointer, what was changed in items, and for rules the user's profile and all items; `read`, where
        somebody's events are looked at, gives these.
        """
        pointer = None if self._cache.knows_active(project) else self._beside(self._cache.active, project)
        self._changes.begin(project)
        profile = None
        if applied.use_user and user_id and session_of(user_id) is None:
            profile = self._beside(partial(self._users.get_many, project, [user_id], consistent=wish.consistent))
        catalog: Mapping[str, CachedItem] | None = None
        complete, events = True, list[Event]()
        if wish.needs_catalog:
            history = self._beside(read) if read is not None else None
            catalog, complete = self._assortment.of(project)
            events = list(history.result()) if history else events
        elif read is not None:
            events = list(read())
        if profile is not None:
            user = profile.result().get(user_id)
            applied = replace(applied, user=rules.facts_of_user(user_id, user.properties if user else {}))
        found = pointer.result() if pointer else self._cache.active(project)
        active, other, shadow = experiments.serving(found, user_id, applied.now)
        if wish.without_event is not None:
            events = [event for event in events if event.event_id != wish.without_event]
        return RequestContext(project, user_id, wish, applied, active, other, shadow, catalog, complete), events

    def newest(self, project: str, user_id: str, *, consistent: bool) -> list[Event]:
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

    def evidence(self, asked: RequestContext, events: Sequence[Event]) -> Evidence:
        wish, active = asked.wish, asked.active
        given = wish.event_weights
        if wish.context_item is not None:
            event = Event(asked.user_id, wish.context_item, CONTEXT, asked.rules.now, "")
            events, given = [*events, event], {**given, CONTEXT: CONTEXT_WEIGHT}
        types = wish.event_types and wish.event_types | {CONTEXT}
        history = weights.of_history(events, active.scoring if active else Scoring(), types, given)
        newest = sorted(history, key=lambda entry: entry[0].timestamp, reverse=True)[:MAX_SOURCES]
        weighted = [(event.item_id, weight) for event, weight in newest]
        rows = self._newcomers.rows(asked.project, active, weighted) if active else {}
        factors = weights.ignored(events, wish.rotation) if wish.rotation else {}
        return Evidence([event for event, _ in newest], weighted, rows, factors)

    def row(self, asked: RequestContext, item_id: str) -> Mapping[str, float]:
        """The neighbors of one item."""
        if asked.active is None:
            return {}
        return self._newcomers.rows(asked.project, asked.active, [(item_id, 1.0)]).get(item_id, {})

    def look(self, asked: RequestContext, evidence: Evidence | None = None) -> Look:
        """Gives items of candidates; those that their reasons name come in the same round trip."""

        def look(item_ids: Sequence[str]) -> Mapping[str, CachedItem]:
            more = evidence.named(item_ids) if evidence is not None and asked.catalog is None else ()
            return self.items(asked, sorted({*item_ids, *more}))

        return look

    def items(self, asked: RequestContext, item_ids: Sequence[str]) -> Mapping[str, CachedItem]:
        """Items by id, from all of them where these are in memory."""
        catalog = asked.catalog
        if catalog is None:
            found = self._cache.facts(asked.project, item_ids)
            return {item_id: CachedItem(item) for item_id, item in found.items()}
        known = {item_id: catalog[item_id] for item_id in item_ids if item_id in catalog}
        missing = [] if asked.complete else [item_id for item_id in item_ids if item_id not in known]
        found = self._cache.facts(asked.project, missing) if missing else {}
        return {**known, **{item_id: CachedItem(item) for item_id, item in found.items()}}

    def listed(
        self, asked: RequestContext, kind: str, category: str | None = None, factors: Mapping[str, float] | None = None
    ) -> list[Recommendation]:
        """One of the lists, best first after what impressions leave of its scores."""
        project = asked.project
        if kind == TRENDING:
            scores = self._cache.trending(project, category or "", asked.rules.now.timestamp())
        elif kind == POPULAR:
            scores = self._cache.popular(project, asked.active, category or "")
        elif kind == LATEST:
            scores = dict.fromkeys(self._cache.latest(project, category), 0.0)
        else:
            return []
        ranked = [(item_id, score * (factors or {}).get(item_id, 1.0)) for item_id, score in scores.items()]
        ranked.sort(key=lambda entry: -entry[1])
        return [Recommendation(item_id, score, kind) for item_id, score in ranked]

    def degraded(self, project: str) -> tuple[ActiveModel, list[Recommendation], Mapping[str, CachedItem]]:
        """The popular list that was loaded last, and its items as far as they are in memory.

        Raises:
            Unavailable: there is none.
        """
        active, listed = self._cache.last_popular(project)
        found = self._cache.remembered_facts(project, listed)
        items = {item_id: CachedItem(item) for item_id, item in found.items()}
        return active, [Recommendation(item_id, score, POPULAR) for item_id, score in listed.items()], items


def _reason(event: Event, share: float, score: float) -> Reason:
    timestamp = None if event.event_type == CONTEXT else event.timestamp
    return Reason(event.item_id, event.event_type, timestamp, share, share * score, event_id=event.event_id or None)
