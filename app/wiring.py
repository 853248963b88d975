"""The only place where stores, services and the application are put together."""

from dataclasses import dataclass
from pathlib import Path

from opentelemetry.trace import Tracer

from app.clock import SYSTEM_CLOCK, Clock, random_bytes, random_hex
from app.config import Settings
from app.services.access.authentication import Authentication
from app.services.access.credential_cache import CredentialCache
from app.services.access.idempotency import Idempotency
from app.services.access.issuer_keys import Fetch
from app.services.access.keys import Keys
from app.services.access.oidc import JwtVerifier
from app.services.access.own_events import OwnEvents
from app.services.access.projects import Projects
from app.services.access.rate_limits import Limiter
from app.services.bundle import Launcher, Services
from app.services.catalog.changes import CatalogChanges
from app.services.catalog.feed import Feed
from app.services.catalog.item_cache import ItemCache
from app.services.catalog.packer import CatalogPacker
from app.services.catalog.reader import CatalogReader
from app.services.catalog.search import ItemSearch
from app.services.catalog.snapshot import CatalogSnapshot
from app.services.catalog.unknown_items import UnknownItems
from app.services.counters.counting import Counting
from app.services.counters.lists import Lists
from app.services.counters.rollups import PARTS, Rollups
from app.services.event_types import EventTypes
from app.services.events import Events
from app.services.failures import Failures, Refusals
from app.services.items import Items
from app.services.jobs import Jobs
from app.services.models.begin_training import TrainingJobs
from app.services.models.cache import ModelCache
from app.services.models.outcomes import Outcomes
from app.services.models.retraining import Retraining
from app.services.models.rollout import Rollout
from app.services.models.train import Train
from app.services.models.training import TrainingStores
from app.services.privacy.erasure import Erasure, ErasureStores
from app.services.privacy.project_purge import ProjectPurge
from app.services.privacy.sessions import Sessions
from app.services.privacy.tombstones import Tombstones
from app.services.readiness import Readiness
from app.services.recommendations.caches.list_cache import ListCache
from app.services.recommendations.caches.recent_cache import RecentCache
from app.services.recommendations.context import ContextLoader
from app.services.recommendations.decision_log import DecisionLog
from app.services.recommendations.degraded import Degraded
from app.services.recommendations.queries import Queries
from app.services.recommendations.recommend import Recommend
from app.services.recommendations.recommendations import Recommendations
from app.services.recommendations.responses import Responses
from app.services.recommendations.scenarios import Scenarios
from app.services.sockets import Sockets
from app.services.tokens.signed import SignedTokens
from app.services.tuning import Tuning
from app.services.usage import Usage
from app.services.users import Users
from app.services.verdicts import Verdicts
from app.storage.access import AccessStore
from app.storage.admin import schema
from app.storage.buckets import BucketStore
from app.storage.connection import Explain, unexplained
from app.storage.connections import ConnectionStore
from app.storage.counters import CounterStore
from app.storage.database import Database, Load
from app.storage.decisions import DecisionStore
from app.storage.events import EventStore
from app.storage.failures import FailureStore
from app.storage.feed import FeedStore
from app.storage.idempotency import IdempotencyStore
from app.storage.items import ItemStore
from app.storage.jobs import JobStore
from app.storage.lists import LiveListStore
from app.storage.neighbors import NeighborStore
from app.storage.objects import FileStore, FolderFileStore, S3FileStore
from app.storage.packed_catalogs import PackedCatalogStore
from app.storage.packed_events import PackedEvents
from app.storage.scenarios import ScenarioStore
from app.storage.selecting import Retention
from app.storage.usage import UsageStore
from app.storage.users import UserStore
from app.storage.versions import VersionStore


@dataclass(frozen=True)
class Wired:
    """One process's database and the services on top of it."""

    database: Database
    services: Services

    def close(self) -> None:
        """Stores the usage counted so far and closes the connections."""
        self.services.usage.write()
        self.database.close()


def wire(
    settings: Settings,
    launcher: Launcher,
    fetch: Fetch,
    tracer: Tracer | None = None,
    clock: Clock = SYSTEM_CLOCK,
    load: Load | None = None,
    explain: Explain = unexplained,
) -> Wired:
    database = Database(settings, schema.MODELS, tracer, load, explain)
    retention = Retention(settings.event_days, clock)
    items, users, events = ItemStore(database), UserStore(database), EventStore(database, retention)
    neighbors, versions = NeighborStore(database), VersionStore(database)
    access_store, decision_store = AccessStore(database), DecisionStore(database)
    counters, connections, failures = CounterStore(database), ConnectionStore(database), FailureStore(database)
    live_lists, packed_catalogs = LiveListStore(database), PackedCatalogStore(database, items)
    files = _file_store(settings)
    packed_events = PackedEvents(events, files, retention)

    tokens = SignedTokens(settings.secret.get_secret_value())
    credentials = CredentialCache(store=access_store, settings=settings, clock=clock)
    keys = Keys(store=access_store, cache=credentials, clock=clock, random_bytes=random_bytes, settings=settings)
    access = Authentication(
        cache=credentials,
        user_tokens=tokens,
        issuers=JwtVerifier(settings=settings, fetch=fetch, clock=clock),
        settings=settings,
        clock=clock,
    )

    tombstones = Tombstones(store=users, credentials=credentials)
    tuning = Tuning(store=access_store, credentials=credentials, settings=settings)
    erasure = Erasure(
        stores=ErasureStores(
            items=items,
            users=users,
            events=events,
            connections=connections,
            failures=failures,
            access=access_store,
            decisions=decision_store,
            versions=versions,
            packed_events=packed_events,
        ),
        purge=ProjectPurge(database=database, files=files, counter_levels=tuple(PARTS)),
        tombstones=tombstones,
        credentials=credentials,
        settings=settings,
        clock=clock,
        random_hex=random_hex,
    )

    rollups = Rollups(counters=counters, clock=clock)
    outcomes = Outcomes(rollups=rollups, clock=clock)
    model_cache = ModelCache(neighbors=neighbors, versions=versions, settings=settings, clock=clock)
    rollout = Rollout(
        versions=versions, cache=model_cache, items=items, outcomes=outcomes, settings=settings, clock=clock
    )
    train = Train(
        stores=TrainingStores(events=packed_events, items=items, neighbors=neighbors, versions=versions),
        settings=settings,
        clock=clock,
        random_hex=random_hex,
        rollout=rollout,
        weights=tuning.weights,
    )
    jobs = Jobs(
        store=JobStore(database),
        objects=files,
        launch=launcher.launch,
        clock=clock,
        random_hex=random_hex,
        most_trainings=settings.most_trainings,
    )
    training_jobs = TrainingJobs(train=train, jobs=jobs)

    changes = CatalogChanges(items=items, settings=settings, clock=clock, submit=database.submit)
    item_cache = ItemCache(items=items, changes=changes, settings=settings, clock=clock)
    reader = CatalogReader(items=items, packed=packed_catalogs, settings=settings, clock=clock, submit=database.submit)
    snapshot = CatalogSnapshot(reader=reader, changes=changes, settings=settings)
    unknown_items = UnknownItems(items=item_cache, setting=tuning.unknown_items)
    changes.observe(item_cache)
    changes.observe(snapshot)
    loader = ContextLoader(
        events=events,
        users=users,
        models=model_cache,
        lists=ListCache(lists=live_lists, settings=settings, clock=clock),
        recent=RecentCache(lists=live_lists, clock=clock, submit=database.submit),
        items=item_cache,
        snapshot=snapshot,
        changes=changes,
        settings=settings,
        unknown_items=unknown_items,
        submit=database.submit,
        weights=tuning.weights,
    )
    degraded = Degraded(models=model_cache, items=item_cache)
    recommend = Recommend(loader=loader, degraded=degraded, clock=clock)
    scenarios = Scenarios(store=ScenarioStore(database), settings=settings, clock=clock)
    decisions = DecisionLog(
        store=decision_store,
        settings=settings,
        clock=clock,
        random_hex=random_hex,
        tombstones=tombstones,
    )
    services = Services(
        settings=settings,
        access=access,
        keys=keys,
        projects=Projects(
            store=access_store, users=users, keys=keys, cache=credentials, clock=clock, random_bytes=random_bytes
        ),
        limiter=Limiter(buckets=BucketStore(database), settings=settings, clock=clock),
        idempotency=Idempotency(store=IdempotencyStore(database), settings=settings, clock=clock),
        items=Items(store=items, observers=[item_cache, snapshot, rollout], clock=clock),
        packer=CatalogPacker(
            store=packed_catalogs,
            items=items,
            access=access_store,
            settings=settings,
            clock=clock,
            random_hex=random_hex,
        ),
        item_search=ItemSearch(snapshot=snapshot, clock=clock),
        users=Users(store=users, tombstones=tombstones, clock=clock),
        events=Events(store=events, tombstones=tombstones, tokens=tokens, settings=settings, retention=retention),
        feed=Feed(store=FeedStore(database, retention), items=item_cache, knows_type=tuning.knows_type),
        own_events=OwnEvents(knows_type=tuning.knows_type, weights=tuning.weights, clock=clock),
        recommend=recommend,
        recommendations=Recommendations(
            recommend=recommend,
            queries=Queries(scenarios=scenarios, tokens=tokens),
            responses=Responses(tokens=tokens, decisions=decisions, settings=settings, clock=clock),
            scenarios=scenarios,
            decisions=decisions,
            tokens=tokens,
        ),
        train=train,
        training_jobs=training_jobs,
        retraining=Retraining(versions=versions, settings=settings, training_jobs=training_jobs, clock=clock),
        rollout=rollout,
        outcomes=outcomes,
        counting=Counting(counters=counters, events=events, weights=tuning.weights, settings=settings, clock=clock),
        tuning=tuning,
        event_types=EventTypes(tuning=tuning, rollups=rollups, settings=settings),
        verdicts=Verdicts(events=events, tombstones=tombstones, weights=tuning.weights, retention=retention),
        lists=Lists(
            counters=counters,
            rollups=rollups,
            lists=live_lists,
            items=items,
            settings=settings,
            clock=clock,
            active=model_cache.active,
            unknown_items=tuning.unknown_items,
        ),
        failures=Failures(store=failures, tombstones=tombstones),
        refusals=Refusals(store=failures, clock=clock),
        scenarios=scenarios,
        decisions=decisions,
        sessions=Sessions(events=events, tombstones=tombstones),
        sockets=Sockets(connections=connections, settings=settings, tombstones=tombstones, clock=clock),
        erasure=erasure,
        jobs=jobs,
        usage=Usage(store=UsageStore(database), mark_used=keys.mark_used, settings=settings, clock=clock),
        tokens=tokens,
        clock=clock,
        readiness=Readiness(missing=schema.TableCheck(database).missing, clock=clock),
    )
    return Wired(database, services)


def _file_store(settings: Settings) -> FileStore | None:
    """Returns the store of job files: a folder if the setting has a slash, which no bucket name has."""
    if settings.files is None:
        return None
    if "/" in settings.files:
        return FolderFileStore(Path(settings.files), settings.secret.get_secret_value())
    return S3FileStore(settings.files, settings.region)
