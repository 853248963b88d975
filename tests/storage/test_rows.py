"""The rows that stores write, byte for byte as earlier releases wrote them.

A change of `rows.json` is a change of the stored format: the stores must still read the rows that it no longer shows.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from pynamodb.models import Model

from app import clock
from app.domain.access import ApiKey, DeletionCheckpoint, Limits, Principal, Project, ProjectState, Scope
from app.domain.fields import ImportMark
from app.domain.items import Item
from app.domain.jobs import ImportCheckpoint, ImportRequest, Job, JobState
from app.domain.models import ActiveModel, ModelVersion, Scoring, Variant, VersionState
from app.domain.privacy import Receipt
from app.domain.recommendations import Diversity
from app.domain.scenarios import RowSettings, Scenario, ScenarioSettings
from app.domain.sockets import Connection, Subscription, WatchedList
from app.domain.users import User
from app.storage.access import AccessRow, AccessStore
from app.storage.connections import ConnectionRow, ConnectionStore
from app.storage.database import Database
from app.storage.failures import FailureRow, FailureStore
from app.storage.idempotency import Claim, IdempotencyRow, IdempotencyStore
from app.storage.items import ItemRow, ItemStore
from app.storage.jobs import JobRow, JobStore
from app.storage.scenarios import ScenarioRow, ScenarioStore
from app.storage.users import UserRow, UserStore
from app.storage.versions import VersionRow, VersionStore
from app.wiring import Wired
from tests.support import tables
from tests.support.datasets import ROOT

ROWS = ROOT / "tests" / "storage" / "rows.json"
PROJECT = "stored-bytes"
MORNING = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
LATER = datetime(2026, 7, 1, 14, 0, 0, 250, tzinfo=timezone(timedelta(hours=2)))
END = datetime(2100, 1, 1, tzinfo=UTC)
SCOPES = frozenset({Scope.ADMIN, Scope.RECOMMEND, Scope.WRITE})
"""Not all that a key can have: a new scope changes no stored bytes."""
ANN = Principal(PROJECT, SCOPES, "k1", "ann", needs_user_token=True, limits=Limits(2.5), ends_at=LATER)
RECEIPT = Receipt("r1", MORNING, {"events": 3}, LATER, {"events": "2026"})


def _items(database: Database) -> None:
    store = ItemStore(database)
    full = Item("tea", "Té", ("hot", "drinks"), {"price": 2.5, "naïve": ["☕", None]}, MORNING, LATER, expires_at=END)
    store.put(PROJECT, full, None)
    store.put(PROJECT, Item("bare", created_at=MORNING, updated_at=MORNING, hidden=True), None)
    imported = Item("imported", created_at=MORNING, updated_at=LATER, import_mark=ImportMark("i1", is_changed=True))
    store.put(PROJECT, imported, None)
    store.put(PROJECT, Item("gone", created_at=LATER, updated_at=LATER, deleted=True), None)


def _users(database: Database) -> None:
    store = UserStore(database)
    store.put(PROJECT, User("ann", {"city": "Zürich"}, MORNING, LATER), None)
    store.put(PROJECT, User("bob", {}, MORNING, MORNING), None)
    store.put(PROJECT, User("eve", {}, MORNING, MORNING, ImportMark("i1")), None)
    store.put_erasure(PROJECT, "digest", RECEIPT)
    store.put_erasure(PROJECT, "begun", Receipt("r2", MORNING))


def _scenarios(database: Database) -> None:
    store = ScenarioStore(database)
    rows = (RowSettings("popular", "Beliebt ☕"),)
    first = Scenario("home", 1, ScenarioSettings(filter="item.price < 3.0", diversity=Diversity(), rows=rows), MORNING)
    store.put(PROJECT, first, None)
    store.put(PROJECT, Scenario("home", 2, ScenarioSettings(event_types=("view",)), LATER, deleted=True), first)


def _access(database: Database) -> None:
    store = AccessStore(database)
    key = ApiKey(f"{PROJECT}-k1", PROJECT, "Kasse é", SCOPES, "digest", MORNING, END, last_used=date(2026, 7, 1))
    store.create_key(key)
    store.create_key(ApiKey(f"{PROJECT}-k2", PROJECT, "", frozenset(), "digest", LATER, origins=("https://a.example",)))
    deleting = DeletionCheckpoint(LATER, {"step": 1, "place": None}, LATER)
    store.create_project(
        Project(f"{PROJECT}-p1", MORNING, "Läden", ProjectState.DELETING, Limits(1.0, 2, 3), "salt", RECEIPT, deleting)
    )
    store.create_project(Project(f"{PROJECT}-p2", LATER))


def _jobs(database: Database) -> None:
    store, checkpoint = JobStore(database), ImportCheckpoint(100, 50, 2, {"é": {"text": [2, "x"]}}, has_types=True)
    request = ImportRequest("items", "csv", {"title": "é"})
    store.create(PROJECT, Job("j1", JobState.RUNNING, MORNING, LATER, request, checkpoint, {"rows": 2}, 0.123456))
    ended = Job("j2", JobState.FAILED, MORNING, MORNING, request, checkpoint, detail="bad", ended_at=LATER)
    store.create(PROJECT, ended)
    running = Job("j3", JobState.RUNNING, MORNING, MORNING, request, checkpoint)
    store.create(PROJECT, running)
    store.heartbeat(PROJECT, running, 0.5, LATER)


def _versions(database: Database) -> None:
    store = VersionStore(database)
    version = ModelVersion("v1", VersionState.READY, MORNING, LATER, "ended", 1.0, {"ridge": 1e-3}, {"ndcg": 0.25})
    store.create(PROJECT, version)
    scoring = Scoring(7.0, learned_at=MORNING.timestamp())
    active = ActiveModel("v1", LATER, "v0", scoring, (Variant("v1", 0.5, scoring),), True, (Variant("v2", 1.0),), 4)
    store.activate(PROJECT, active, None)
    store.mark_new_items(PROJECT, LATER)


def _connections(database: Database) -> None:
    store = ConnectionStore(database)
    store.put(Connection(f"{PROJECT}-c1", ANN, MORNING, END, frozenset({"bob"})))
    watched = WatchedList("bob", 5, "home", properties=True, shown="digest")
    store.put_subscription(Subscription(PROJECT, f"{PROJECT}-c1", END, watched, ANN))


def _claims(database: Database) -> None:
    store = IdempotencyStore(database)
    claim = Claim("n1", "request", LATER, MORNING, "nonce", END)
    store.put(PROJECT, claim, None)
    store.put(PROJECT, Claim("n1", "request", LATER, MORNING, "nonce", END, 202, b"answer"), claim)


def _failures(database: Database) -> None:
    created = LATER
    content = {"Keys": {"owner": {"S": f"{PROJECT}#ann"}}, "ApproximateCreationDateTime": created, "B": b"e"}
    FailureStore(database).put({"eventID": "e1", "dynamodb": content}, "ValueError: é")


STORES: dict[type[Model], Callable[[Database], None]] = {
    ItemRow: _items,
    UserRow: _users,
    ScenarioRow: _scenarios,
    AccessRow: _access,
    JobRow: _jobs,
    VersionRow: _versions,
    ConnectionRow: _connections,
    IdempotencyRow: _claims,
    FailureRow: _failures,
}


def stored(wired: Wired, model: type[Model]) -> list[dict[str, Any]]:
    """Returns the rows without the time at which they expire."""
    rows = [
        {name: value for name, value in row.items() if name != "expires_at"}
        for row in tables.rows(wired, model)
        if PROJECT in str(row)
    ]
    plain: list[dict[str, Any]] = orjson.loads(orjson.dumps(rows, default=bytes.hex))
    return sorted(plain, key=str)


@pytest.mark.parametrize("model", STORES, ids=lambda model: model.__name__)
class TestRows:
    def test_a_table_keeps_the_bytes_that_it_had(self, wired: Wired, model: type[Model]) -> None:
        with clock.frozen(MORNING, b"seed"):
            STORES[model](wired.database)

        assert stored(wired, model) == orjson.loads(ROWS.read_bytes())[model.__name__]


class TestProjects:
    def test_a_deletion_of_an_earlier_release_begins_its_pass_again(self, wired: Wired) -> None:
        store, name = AccessStore(wired.database), f"{PROJECT}-old"
        resumed = DeletionCheckpoint(MORNING, {"step": 1, "place": None})
        store.create_project(Project(name, MORNING, state=ProjectState.DELETING, resume_at=resumed))
        row = AccessRow.get(f"project#{name}")
        row.facts["resume_at"] = {"began": row.facts["resume_at"]["began"], "place": {"table": 1, "start": None}}
        row.save()

        project = store.get_project(name)

        assert project
        assert project.resume_at == DeletionCheckpoint(MORNING)


class TestJobs:
    def test_an_import_of_an_earlier_release_is_read_with_its_mapping_turned_round(self, wired: Wired) -> None:
        facts = {
            "request": {"records": "items", "format": "csv", "columns": {"sku": "item_id"}},
            "checkpoint": {"size": 9, "position": 4, "line": 1, "header": ["sku"]},
            "counts": {"loaded": 1},
        }
        store = JobStore(wired.database)
        store.create(PROJECT, Job("old", JobState.SUCCEEDED, MORNING, MORNING, ImportRequest(), ImportCheckpoint()))
        JobRow(PROJECT, "old").update(actions=[JobRow.facts.set(facts)])

        job = store.get(PROJECT, "old")

        assert job
        assert job.request == ImportRequest("items", "csv", {"item_id": "sku"})
        assert job.checkpoint == ImportCheckpoint(9, 4, 1)
