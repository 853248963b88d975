"""The only place where stores, services and the application are put together."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from opentelemetry.trace import Tracer

from app import moment
from app.api.deps import Launcher, Services
from app.api.tokens import Tokens
from app.config import Settings
from app.domain import Item, Job, JobKind
from app.errors import Unavailable, WorkerUnavailable
from app.services.access import Access
from app.services.assortment import Assortment
from app.services.catalog import Catalog
from app.services.changes import Changes
from app.services.counting import Counting
from app.services.decisions import Decisions, owner_digest
from app.services.erasure import Erasure
from app.services.erasure import Stores as ErasureStores
from app.services.events import Events
from app.services.failures import Failures
from app.services.gathering import Gathering
from app.services.idempotency import Idempotency
from app.services.issuers import Fetch, Issuers
from app.services.jobs import Jobs, folder_of
from app.services.keys import Keys
from app.services.limits import Limiter
from app.services.lists import Lists
from app.services.outcomes import Outcomes
from app.services.projects import Projects
from app.services.recommend import Recommend
from app.services.remembered import Remembered
from app.services.retraining import Retraining
from app.services.scenarios import Scenarios
from app.services.serving_cache import ServingCache
from app.services.sessions import Sessions
from app.services.sockets import Sockets
from app.services.sums import Sums
from app.services.traffic import Traffic
from app.services.train import Train
from app.services.training import Stores
from app.services.usage import Usage
from app.storage import schema
from app.storage.access import Access as AccessStore
from app.storage.buckets import Buckets
from app.storage.connections import Connections
from app.storage.counters import Counters
from app.storage.database import Database
from app.storage.decisions import Decisions as DecisionStore
from app.storage.events import Events as EventStore
from app.storage.failures import Failures as FailureStore
from app.storage.idempotency import Idempotency as IdempotencyStore
from app.storage.items import Items
from app.storage.jobs import Jobs as JobStore
from app.storage.lists import MovingLists
from app.storage.neighbours import Neighbours
from app.storage.objects import FolderObjects, Objects, S3Objects
from app.storage.scenarios import Scenarios as ScenarioStore
from app.storage.usage import Usage as UsageStore
from app.storage.users import Users
from app.storage.versions import Versions

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
    items, users, events = Items(database), Users(database), EventStore(database)
    neighbours, versions = Neighbours(database), Versions(database)
    access_store = AccessStore(database)
    moving = MovingLists(database)
    changes = Changes(items, settings, moment.now, database.submit)
    cache = ServingCache(neighbours, moving, items, changes, versions, settings)
    assortment = Assortment(items, changes, settings, database.submit)
    changes.listen(cache)
    changes.listen(assortment)

    def learn_items(project: str, changed: Sequence[Item]) -> None:
        cache.learn(project, changed)
        assortment.renew(project, changed)
        with suppress(Unavailable):  # they are stored; the next new item tells of them
            traffic.items_came(project, changed, cache.active(project))

    counters, connections, failures = Counters(database), Connections(database), FailureStore(database)
    tokens = Tokens(settings.secret.get_secret_value())
    remembered = Remembered(access_store, settings)
    keys = Keys(access_store, remembered, moment.now, moment.random_bytes)
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
    erasure = Erasure(erasure_stores, settings, remembered.salt, remembered.forget, moment.now, moment.random_hex)
    access = Access(remembered, tokens, Issuers(settings, fetch), moment.now)
    sums = Sums(counters, moment.now)
    outcomes = Outcomes(sums, moment.now)
    traffic = Traffic(
        versions,
        settings,
        outcomes.worse,
        lambda project: max(items.latest(project, None, 1).values(), default=None),
        cache.forget_active,
        moment.now,
    )
    stores = Stores(events, items, neighbours, versions)
    train = Train(stores, settings, moment.now, moment.random_hex, traffic.take_over)

    jobs = Jobs(JobStore(database), objects, launcher.launch, moment.now, moment.random_hex)

    def begin_training(project: str, *, force: bool = False, quickly: bool = False) -> Job:
        version = train.queue(project, quickly=quickly).version
        try:
            return jobs.create(project, JobKind.TRAINING, {"version": version, "force": force})
        except WorkerUnavailable:
            train.discard(project, version)
            raise

    retraining = Retraining(versions, settings, partial(begin_training, quickly=True), moment.now)
    services = Services(
        settings=settings,
        access=access,
        keys=keys,
        projects=Projects(access_store, remembered, moment.now, moment.random_bytes),
        limiter=Limiter(Buckets(database), settings, moment.now),
        idempotency=Idempotency(IdempotencyStore(database), settings, moment.now),
        catalog=Catalog(items, users, moment.now, learn_items, erasure.erased),
        events=Events(events, erasure.erased),
        recommend=Recommend(
            Gathering(events, users, cache, changes, assortment, settings, database.submit), moment.now
        ),
        train=train,
        traffic=traffic,
        outcomes=outcomes,
        counting=Counting(counters, settings.list_weights, moment.now),
        lists=Lists(counters, sums, moving, items, settings, access.is_active, retraining.consider, moment.now),
        failures=Failures(failures, erasure.erased),
        scenarios=Scenarios(ScenarioStore(database), settings, moment.now),
        decisions=Decisions(decision_store, settings, moment.now, moment.random_hex, erasure.erased),
        sessions=Sessions(events, erasure.refuse),
        sockets=Sockets(connections, settings, erasure.refuse, moment.now),
        erasure=erasure,
        jobs=jobs,
        usage=Usage(UsageStore(database), keys.mark_used, settings, moment.now),
        tokens=tokens,
        begin_training=begin_training,
        clock=moment.now,
        missing_tables=lambda: schema.missing(database),
    )
    return Wired(database, services)


def _objects(settings: Settings) -> Objects | None:
    """Where files of jobs are: a folder has a slash in its name, which a bucket never has."""
    if settings.files is None:
        return None
    if "/" in settings.files:
        return FolderObjects(Path(settings.files), settings.secret.get_secret_value())
    return S3Objects(settings.files, settings.region)
