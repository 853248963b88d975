"""The only place where stores, services and the application are put together."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from opentelemetry.trace import Tracer

from app import clock
from app.config import Settings
from app.domain.items import Item
from app.domain.jobs import Job, TrainingRequest
from app.errors import Unavailable, WorkerUnavailable
from app.services.access.authentication import Authentication
from app.services.access.credential_cache import CredentialCache
from app.services.access.idempotency import Idempotency
from app.services.access.keys import Keys
from app.services.access.oidc import Fetch, JwtVerifier
from app.services.access.projects import Projects
from app.services.access.rate_limits import Limiter
from app.services.bundle import Launcher, Services
from app.services.catalog import Catalog
from app.services.counters.counting import Counting
from app.services.counters.lists import Lists
from app.services.counters.rollups import Rollups
from app.services.events import Events
from app.services.failures import Failures
from app.services.jobs import Jobs, folder_of
from app.services.models.outcomes import Outcomes
from app.services.models.retraining import Retraining
from app.services.models.rollout import Rollout
from app.services.models.train import Train
from app.services.models.training import TrainingStores
from app.services.privacy.erasure import Erasure, ErasureStores
from app.services.privacy.sessions import Sessions
from app.services.recommendations.catalog_changes import CatalogChanges
from app.services.recommendations.catalog_snapshot import CatalogSnapshot
from app.services.recommendations.context import ContextLoader
from app.services.recommendations.decision_log import DecisionLog, owner_digest
from app.services.recommendations.item_cache import ItemCache
from app.services.recommendations.list_cache import ListCache
from app.services.recommendations.model_cache import ModelCache
from app.services.recommendations.queries import Queries
from app.services.recommendations.recommend import Recommend
from app.services.recommendations.recommendations import Recommendations
from app.services.recommendations.responses import Responses
from app.services.recommendations.scenarios import Scenarios
from app.services.sockets import Sockets
from app.services.tokens.signed import SignedTokens
from app.services.usage import Usage
from app.storage.access import AccessStore
from app.storage.admin import schema
from app.storage.buckets import BucketStore
from app.storage.connections import ConnectionStore
from app.storage.counters import CounterStore
from app.storage.database import Database
from app.storage.decisions import DecisionStore
from app.storage.events import EventStore
from app.storage.failures import FailureStore
from app.storage.idempotency import IdempotencyStore
from app.storage.items import ItemStore
from app.storage.jobs import JobStore
from app.storage.lists import LiveListStore
from app.storage.neighbors import NeighborStore
from app.storage.objects import FileStore, FolderFileStore, S3FileStore
from app.storage.scenarios import ScenarioStore
from app.storage.usage import UsageStore
from app.storage.users import UserStore
from app.storage.versions import VersionStore

Place = dict[str, Any]
"""Where a deletion goes on."""


@dataclass(frozen=True)
class Wired:
    """One process's database and the services on top of it."""

    database: Database
    services: Services

    def close(self) -> None:
        """Write down what was counted, and let the connections go."""
        self.services.usage.write()
        self.database.close()


def wire(settings: Settings, launcher: Launcher, fetch: Fetch, tracer: Tracer | None = None) -> Wired:
    database = Database(settings, schema.MODELS, tracer)
    items, users, events = ItemStore(database), UserStore(database), EventStore(database)
    neighbors, versions = NeighborStore(database), VersionStore(database)
    access_store = AccessStore(database)
    moving = LiveListStore(database)
    changes = CatalogChanges(items, settings, clock.now, database.submit)
    model_cache = ModelCache(neighbors=neighbors, versions=versions, settings=settings)
    item_cache = ItemCache(items=items, changes=changes, settings=settings)
    snapshot = CatalogSnapshot(items=items, changes=changes, settings=settings, submit=database.submit)
    changes.observe(item_cache)
    changes.observe(snapshot)

    def learn_items(project: str, changed: Sequence[Item]) -> None:
        item_cache.put(project, changed)
        snapshot.renew(project, changed)
        with suppress(Unavailable):  # they are stored; the next new item tells of them
            traffic.items_came(project, changed, model_cache.active(project))

    counters, connections, failures = CounterStore(database), ConnectionStore(database), FailureStore(database)
    tokens = SignedTokens(settings.secret.get_secret_value())
    remembered = CredentialCache(access_store, settings)
    keys = Keys(access_store, remembered, clock.now, clock.random_bytes)
    decision_store = DecisionStore(database)

    def erase_decisions(project: str, user_id: str, tell: Callable[[Sequence[str]], None]) -> int:
        return decision_store.erase_some(project, owner_digest(settings, project, user_id), tell)

    objects = _objects(settings)

    def purge(
        project: str, resume_at: Place | None, removed: dict[str, int], out_of_time: Callable[[], bool]
    ) -> Place | None:
        place = schema.purge(database, project, resume_at, removed, out_of_time)
        if place is None and objects is not None and (files := objects.delete_all(folder_of(project))):
            removed["files"] = removed.get("files", 0) + files
        return place

    erasure_stores = ErasureStores(
        items,
        users,
        events,
        connections,
        failures,
        access_store,
        purge,
        erase_decisions,
    )
    erasure = Erasure(erasure_stores, settings, remembered.salt, remembered.forget, clock.now, clock.random_hex)
    access = Authentication(remembered, tokens, JwtVerifier(settings, fetch), clock.now)
    sums = Rollups(counters, clock.now)
    outcomes = Outcomes(sums, clock.now)
    traffic = Rollout(
        versions,
        settings,
        outcomes.worse,
        lambda project: max(items.latest(project, None, 1).values(), default=None),
        model_cache.forget_active,
        clock.now,
    )
    stores = TrainingStores(events, items, neighbors, versions)
    train = Train(stores, settings, clock.now, clock.random_hex, traffic.take_over)

    jobs = Jobs(JobStore(database), objects, launcher.launch, clock.now, clock.random_hex)

    def begin_training(project: str, *, force: bool = False, quickly: bool = False) -> Job:
        version = train.queue(project, quickly=quickly).version
        try:
            return jobs.create(project, TrainingRequest(version, force=force))
        except WorkerUnavailable:
            train.discard(project, version)
            raise

    retraining = Retraining(versions, settings, partial(begin_training, quickly=True), clock.now)
    loader = ContextLoader(
        events=events,
        users=users,
        models=model_cache,
        lists=ListCache(lists=moving, settings=settings),
        items=item_cache,
        snapshot=snapshot,
        changes=changes,
        settings=settings,
        submit=database.submit,
    )
    recommend = Recommend(loader=loader, clock=clock.now)
    scenarios = Scenarios(store=ScenarioStore(database), settings=settings, clock=clock.now)
    decisions = DecisionLog(
        store=decision_store,
        settings=settings,
        clock=clock.now,
        random_hex=clock.random_hex,
        erased=erasure.erased,
    )
    services = Services(
        settings=settings,
        access=access,
        keys=keys,
        projects=Projects(access_store, remembered, clock.now, clock.random_bytes),
        limiter=Limiter(BucketStore(database), settings, clock.now),
        idempotency=Idempotency(IdempotencyStore(database), settings, clock.now),
        catalog=Catalog(items, users, clock.now, learn_items, erasure.erased),
        events=Events(events, erasure.erased, tokens),
        recommend=recommend,
        recommendations=Recommendations(
            recommend=recommend,
            queries=Queries(scenarios=scenarios, tokens=tokens),
            responses=Responses(tokens=tokens, decisions=decisions, settings=settings, clock=clock.now),
            scenarios=scenarios,
            decisions=decisions,
            tokens=tokens,
        ),
        train=train,
        traffic=traffic,
        outcomes=outcomes,
        counting=Counting(counters, settings.list_weights, clock.now),
        lists=Lists(counters, sums, moving, items, settings, access.is_active, retraining.consider, clock.now),
        failures=Failures(failures, erasure.erased),
        scenarios=scenarios,
        decisions=decisions,
        sessions=Sessions(events, erasure.refuse),
        sockets=Sockets(connections, settings, erasure.refuse, clock.now),
        erasure=erasure,
        jobs=jobs,
        usage=Usage(UsageStore(database), keys.mark_used, settings, clock.now),
        tokens=tokens,
        begin_training=begin_training,
        clock=clock.now,
        missing_tables=lambda: schema.missing(database),
    )
    return Wired(database, services)


def _objects(settings: Settings) -> FileStore | None:
    """Where files of jobs are: a folder has a slash in its name, which a bucket never has."""
    if settings.files is None:
        return None
    if "/" in settings.files:
        return FolderFileStore(Path(settings.files), settings.secret.get_secret_value())
    return S3FileStore(settings.files, settings.region)
