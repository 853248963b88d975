"""The context of one recommendation request: everything that it reads, loaded in parallel."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from app.config import Settings
from app.domain.events import Event, History
from app.domain.models import ActiveModel, Scoring
from app.domain.recommendations import CONTEXT, IN_CART, LATEST, POPULAR, TRENDING, Recommendation, RecommendationQuery
from app.domain.users import session_of
from app.recommender import experiments, rules
from app.recommender.events import verdicts, weights
from app.recommender.events.verdicts import NO_VERDICTS, Verdicts
from app.recommender.events.weights import Weights
from app.recommender.packing import Row
from app.services.catalog.changes import CatalogChanges
from app.services.catalog.item_cache import ItemCache
from app.services.catalog.snapshot import CachedItem, CatalogSnapshot
from app.services.catalog.unknown_items import UnknownItems
from app.services.models.cache import ModelCache
from app.services.recommendations.caches.list_cache import ListCache
from app.services.recommendations.caches.recent_cache import RecentCache
from app.services.recommendations.candidate_filter import CandidateFilter, Excluded, Rules
from app.services.recommendations.cold_start import ColdStart
from app.services.recommendations.evidence import Evidence, Source
from app.storage.database import awaited
from app.storage.events import EventStore
from app.storage.users import UserStore

MAX_PAGES = 4
MAX_SOURCES = 100
"""Neighbor rows that one list sums up: those of the user's newest items."""
CONTEXT_WEIGHT = 3.0
CART_WEIGHT = 100.0
"""The weight of an item of the cart, in units of the usual heaviest weight of neighbors; see decision 36."""

NO_ROW = Row()
ReadHistory = Callable[[], History]


@dataclass(frozen=True, slots=True)
class Caches:
    """The caches that a context reads through."""

    models: ModelCache
    lists: ListCache
    recent: RecentCache
    items: ItemCache
    cold_start: ColdStart
    unknown_items: UnknownItems


@dataclass(frozen=True)
class RequestContext:
    """One request with everything that it reads."""

    project: str
    user_id: str
    query: RecommendationQuery
    rules: Rules
    events: Sequence[Event]
    active: ActiveModel | None
    challenger: ActiveModel | None
    """The version whose list is interleaved with the active one's."""
    shadow: ActiveModel | None
    """The version whose list is compared with the response."""
    catalog: Mapping[str, CachedItem] | None
    """The catalog snapshot; None unless rules need it."""
    is_complete: bool
    """Whether the catalog snapshot holds all items."""
    caches: Caches
    weights: Weights
    """The weights of the project."""
    verdicts: Verdicts = field(default_factory=dict)
    """What older events say for good, by item."""

    @cached_property
    def disliked(self) -> set[str]:
        """The items whose newest event of non-zero weight is negative."""
        return weights.disliked(self.events, self.weights, verdicts.rejected(self.verdicts))

    @cached_property
    def seen(self) -> set[str]:
        """The items that the user knows."""
        return weights.seen(self.events) | verdicts.consumed(self.verdicts)

    def without(self, event_ids: Collection[str]) -> "RequestContext":
        """Returns the context as if some events had not happened."""
        left_out = [event for event in self.events if event.event_id in event_ids]
        if not left_out:
            return self
        left = [event for event in self.events if event.event_id not in event_ids]
        return replace(self, events=left, verdicts=verdicts.without(self.verdicts, left_out))

    @cached_property
    def evidence(self) -> Evidence:
        """The user's weighted events, the context item and the cart, with the rows that they count through."""
        query, active, events, event_weights = self.query, self.active, self.events, self.query.event_weights
        if query.context_item is not None:
            events = [*events, Event(self.user_id, query.context_item, CONTEXT, self.rules.now, "")]
            event_weights = {**event_weights, CONTEXT: CONTEXT_WEIGHT}
        types = query.event_types and query.event_types | {CONTEXT}
        scoring = active.scoring if active else Scoring()
        history = weights.of_history(events, scoring, types, event_weights, self.weights, self.rules.now)
        scoring = weights.scoring_at(self.rules.now, history, scoring)
        newest = sorted(history, key=lambda entry: entry[0].timestamp, reverse=True)[:MAX_SOURCES]
        weighted = dict.fromkeys(query.cart, CONTEXT_WEIGHT) | {event.item_id: weight for event, weight in newest}
        factors = weights.ignored(events, query.impression_decay) if query.impression_decay else {}
        uses_recent = weighted and scoring.uses_recent_popularity
        popularity = self.caches.recent.begin(self.project) if uses_recent else None
        neighbors = self.neighbors(list(weighted.items()), query.cart)  # meanwhile
        sources = [Source(event, weight, neighbors.get(event.item_id, NO_ROW)) for event, weight in newest]
        sources += self._cart(neighbors)
        recent = awaited(popularity).factors(scoring, self.rules.now.timestamp()) if popularity else {}
        return Evidence(sources, factors, recent)

    def _cart(self, neighbors: Mapping[str, Row]) -> list[Source]:
        """Returns the items of the cart; those that nothing is bought together with count like a context item."""
        bought = self.bought_together(self.query.cart)
        usual = (self.active.scoring.content_weight if self.active else None) or 1.0
        events = [Event(self.user_id, item_id, IN_CART, self.rules.now, "") for item_id in self.query.cart]
        return [
            Source(event, CART_WEIGHT * usual, bought[event.item_id])
            if event.item_id in bought
            else Source(event, CONTEXT_WEIGHT, neighbors.get(event.item_id, NO_ROW))
            for event in events
        ]

    def neighbors(self, weighted: Sequence[tuple[str, float]], bought: Sequence[str] = ()) -> Mapping[str, Row]:
        """Returns the neighbors of weighted items; `bought_together` of others then needs no round trip of its own."""
        if self.active is None:
            return {}
        return self.caches.cold_start.neighbors(self.project, self.active, weighted, bought)

    def bought_together(self, item_ids: Sequence[str]) -> Mapping[str, Row]:
        """Returns what items are bought together with, for those that are."""
        return self.caches.models.bought_together(self.project, self.active, item_ids) if self.active else {}

    def candidates(
        self, excluded: Excluded, *, with_reasons: bool = False, along: Collection[str] = ()
    ) -> CandidateFilter:
        """Returns a filter for candidates.

        Args:
            excluded: the items that it drops.
            with_reasons: whether to read the items that the reasons of candidates name in the same round trip, if there
                is one.
            along: other items to read in that round trip.
        """

        def fetch(item_ids: Sequence[str]) -> Mapping[str, CachedItem]:
            read = with_reasons and self.catalog is None and not self.caches.items.has_all(self.project, item_ids)
            named = self.evidence.reason_items(item_ids) if read else ()
            return self.items(sorted({*item_ids, *named, *along}))

        return CandidateFilter(self.query, self.rules, excluded, fetch, self.admits_unknown)

    def admits_unknown(self) -> bool:
        """Whether items without a record may be recommended."""
        return self.caches.unknown_items.are_admitted(self.project)

    def items(self, item_ids: Sequence[str]) -> Mapping[str, CachedItem]:
        """Returns items by id, from the catalog snapshot if it is loaded."""
        if self.catalog is None:
            return self._read_items(item_ids)
        items = {item_id: self.catalog[item_id] for item_id in item_ids if item_id in self.catalog}
        missing = [] if self.is_complete else [item_id for item_id in item_ids if item_id not in items]
        return {**items, **self._read_items(missing)} if missing else items

    def from_list(
        self, kind: str, category: str | None = None, factors: Mapping[str, float] | None = None
    ) -> list[Recommendation]:
        """Returns the popular, trending or latest items, best first after the factors are applied."""
        if kind == TRENDING:
            scores = self.caches.lists.trending(self.project, category or "", self.rules.now.timestamp())
        elif kind == POPULAR:
            scores = self._popular(category or "")
        elif kind == LATEST:
            scores = dict.fromkeys(self.caches.items.latest(self.project, category), 0.0)
        else:
            scores = {}
        factors = factors or {}
        recommendations = [
            Recommendation(item_id, score * factors.get(item_id, 1.0), kind) for item_id, score in scores.items()
        ]
        recommendations.sort(key=lambda recommendation: -recommendation.score)
        return recommendations

    def _popular(self, category: str) -> dict[str, float]:
        """Returns the recently popular items, followed by those of the active version's training."""
        recent = self.caches.lists.popular(self.project, category)
        trained = self.caches.models.popular(self.project, self.active, category) if self.active else {}
        if not recent:
            return trained
        scale = min(recent.values()) / max(trained.values(), default=1.0)
        return recent | {item_id: scale * score for item_id, score in trained.items() if item_id not in recent}

    def _read_items(self, item_ids: Sequence[str]) -> dict[str, CachedItem]:
        items = self.caches.items.get_many(self.project, item_ids)
        return {item_id: CachedItem(item) for item_id, item in items.items()}


class ContextLoader:
    def __init__(
        self,
        events: EventStore,
        users: UserStore,
        models: ModelCache,
        lists: ListCache,
        recent: RecentCache,
        items: ItemCache,
        snapshot: CatalogSnapshot,
        changes: CatalogChanges,
        unknown_items: UnknownItems,
        settings: Settings,
        submit: Callable[..., Future[Any]],
        weights: Callable[[str], Weights],
    ) -> None:
        """`weights` returns the weights of a project."""
        self._events, self._users, self._snapshot, self._changes = events, users, snapshot, changes
        self._settings, self._submit, self._weights = settings, submit, weights
        self._caches = Caches(models, lists, recent, items, ColdStart(models, items, submit), unknown_items)

    def load(
        self, project: str, user_id: str, query: RecommendationQuery, rules_: Rules, history: ReadHistory | None = None
    ) -> RequestContext:
        """Loads the context of a request; everything that is not in memory is read in parallel.

        This includes the active model's pointer, catalog changes and the events of `history`, and recent popularity if
        it has become old; for rules, also the user's properties and the catalog snapshot.
        """
        models = self._caches.models
        pointer = None if models.has_active(project) else self._submit(models.active, project)
        self._changes.begin(project)
        if history is not None:
            self._caches.recent.renew(project)
        profile = None
        if rules_.use_user and user_id and session_of(user_id) is None:
            profile = self._submit(partial(self._users.get_many, project, [user_id], consistent=query.consistent))
        catalog, is_complete, past = self._read(project, query, history)
        if profile is not None:
            user = awaited(profile).get(user_id)
            rules_ = replace(rules_, user=rules.facts_of_user(user_id, user.properties if user else {}))
        model = awaited(pointer) if pointer else models.active(project)
        serving = experiments.serving(model, user_id, rules_.now)
        if query.model_version is not None:
            serving = experiments.Serving(models.of_version(project, query.model_version))
        context = RequestContext(
            project=project,
            user_id=user_id,
            query=query,
            rules=rules_,
            events=past.events,
            active=serving.active,
            challenger=serving.other,
            shadow=serving.shadow,
            catalog=catalog,
            is_complete=is_complete,
            caches=self._caches,
            weights=self._weights(project),
            verdicts=verdicts.unpack(past.verdicts) if past.verdicts else NO_VERDICTS,
        )
        return context.without(query.without_events)

    def read_history(self, project: str, user_id: str, *, consistent: bool) -> History:
        """Reads a page of the user's newest events, and more pages if impressions fill it."""
        size = self._settings.history_events
        history = self._events.history(project, user_id, size, consistent=consistent)
        events = page = history.events
        for _ in range(MAX_PAGES - 1):
            relevant = sum(not weights.is_impression(event) for event in events)
            if len(page) < size or relevant >= size / 2:
                break
            page = self._events.newest(project, user_id, size, consistent=consistent, before=page[-1])
            events = [*events, *page]
        return History(events, history.verdicts)

    def _read(
        self, project: str, query: RecommendationQuery, history: ReadHistory | None
    ) -> tuple[Mapping[str, CachedItem] | None, bool, History]:
        """Reads the catalog snapshot, if the query needs it, and the events at the same time."""
        if not query.needs_catalog:
            return None, True, history() if history else History(())
        reading = self._submit(history) if history else None
        catalog, is_complete = self._snapshot.get(project)
        return catalog, is_complete, awaited(reading) if reading else History(())
