"""Rows that are written into the emulator's file are those that the emulator writes."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any, cast

import orjson
import pytest

from app.clock import SYSTEM_CLOCK
from app.config import Settings
from app.domain.events import Attribution, Event
from app.domain.fields import ImportMark
from app.domain.items import Item
from app.domain.users import User
from app.entry.errors import SetupError
from app.entry.local import dynamodb, shared_emulator
from app.entry.local.database_file import DatabaseFile
from app.entry.local.stream_follower import Follower
from app.entry.stream import Consumer
from app.storage.admin import migration, schema
from app.storage.checkpoints import CheckpointStore
from app.storage.database import Database, Load, Raw
from app.storage.event_rows import row_of
from app.storage.events import EventStore
from app.storage.items import ItemStore
from app.storage.selecting import Retention
from app.storage.table import LEAST_LOADED
from app.storage.users import UserStore
from tests.support.builders import NOON, SECRET
from tests.support.datasets import ROOT

PROJECT = "files"
TABLE = "serendip-events"
VALUES = (None, 0, 4, 9.5, 0.05, -3, -0.5, 12_345.678, 1e10, 1e-7, 100, 999, 1_200, 1.5e20)
EVENTS = [
    Event(f"usér{number % 3}", f"i{number}", "view", NOON + timedelta(days=30 * number), f"{number:x}", value)
    for number, value in enumerate(VALUES)
]
CHANGED = Event("usér1", "i1", "view", EVENTS[1].timestamp, "1", 7.0, Attribution("v1", "home", "neighbors"))

ITEMS: list[tuple[Item, Item | None]] = [
    (
        Item(
            "té",
            "Té",
            ("hot", "drinks", "naïve"),
            {"price": 2.5, "deep": ["☕", None]},
            NOON,
            NOON + timedelta(days=1),
            hidden=True,
            expires_at=NOON + timedelta(days=9),
            import_mark=ImportMark("a", is_changed=True),
        ),
        None,
    ),
    (Item("bare", created_at=NOON, updated_at=NOON), None),
]
USERS: list[tuple[User, User | None]] = [(User("ann", {"plan": "paid"}, NOON, NOON), None)]


@contextmanager
def _database(folder: Path, load: Load | None = None) -> Iterator[tuple[Settings, Database]]:
    emulator = dynamodb.start(ROOT / ".serendip", folder)
    settings = Settings(secret=SECRET, endpoint=emulator.endpoint, read_timeout_seconds=10)
    database = Database(settings, schema.MODELS, load=load)
    try:
        migration.migrate(database)
        yield settings, database
    finally:
        database.close()
        emulator.stop()


KILLED = """
import os, signal, sys
from pathlib import Path
from app.clock import SYSTEM_CLOCK
from app.entry.local.database_file import DatabaseFile

def rows():
    for number in range(5_000):  # more than the cache holds, so that the file has changed
        yield {"owner": {"S": "p#u"}, "moment": {"S": f"{number:020}"}, "item_id": {"S": "x" * 20_000}}
    os.kill(os.getpid(), signal.SIGKILL)

DatabaseFile(Path(sys.argv[1]), SYSTEM_CLOCK).put("serendip-events", rows())
"""


class _Consumer:
    """Keeps what it is asked to apply."""

    def __init__(self) -> None:
        self.items: list[str] = []

    def apply(self, records: Any) -> None:
        images = [record["dynamodb"]["NewImage"] for record in records]
        self.items += [image["item_id"]["S"] for image in images if "item_id" in image]


def _content(folder: Path, table: str = TABLE) -> tuple[list[Any], list[Any]]:
    """Rows of a table, and the stream records, without what is random."""
    with closing(sqlite3.connect(folder / dynamodb.FILE)) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY hashKey, hashValue')]  # noqa: S608
        records = [dict(row) for row in connection.execute("SELECT * FROM us ORDER BY SequenceNumber")]
    for row in rows:
        row["ObjectJSON"] = orjson.loads(row["ObjectJSON"])
    for number, record in enumerate(records):
        record["StreamRecord"] = {**orjson.loads(record["StreamRecord"]), "EventID": None}
        record |= {"CreationDateTime": None, "SequenceNumber": number}
        records[number] = record
    return rows, records


class TestPut:
    def test_the_file_is_the_same_as_after_requests_and_the_emulator_continues_its_stream(self, tmp_path: Path) -> None:
        requests, file = tmp_path / "requests", tmp_path / "file"
        loaded: list[Raw] = []
        with _database(requests, lambda _, rows: loaded.extend(rows)) as (_, database):
            store = EventStore(database, Retention(3_650))
            store.put_many(PROJECT, [*EVENTS, *EVENTS[:3]])
            store.put_many(PROJECT, [CHANGED])
            store.put_many(PROJECT, EVENTS * LEAST_LOADED)
            store.put_many(PROJECT, [CHANGED] * LEAST_LOADED)
        shutil.copytree(requests, file)
        with closing(sqlite3.connect(file / dynamodb.FILE)) as connection:
            connection.execute(f'DELETE FROM "{TABLE}" WHERE indexKey_0 IS NOT NULL')  # noqa: S608
            connection.execute("DELETE FROM us WHERE CAST(StreamRecord AS TEXT) LIKE '%item_id%'")
            connection.commit()

        changed = DatabaseFile(file, SYSTEM_CLOCK).put(TABLE, loaded)

        assert changed == len(EVENTS) + 1
        assert all("expires_at" in row for row in loaded)
        assert _content(file) == _content(requests)
        with _database(file) as (settings, database):
            store, consumer = EventStore(database), _Consumer()
            later = CHANGED._replace(item_id="later", event_id="later")
            store.put_many(PROJECT, [later])
            Follower(settings, CheckpointStore(database), cast("Consumer", consumer), int).step()
            users = {event.user_id for event in EVENTS}
            stored = {event for user in users for event in store.list_page(PROJECT, user, None, 100).records}
            assert stored == {EVENTS[0], CHANGED, *EVENTS[2:], later}
            assert len(list(store.all(PROJECT))) == len(stored)
        assert consumer.items == [*(event.item_id for event in [*EVENTS, CHANGED]), "later"]

    def test_items_and_users_are_loaded_as_requests_write_them(self, tmp_path: Path) -> None:
        requests, file = tmp_path / "requests", tmp_path / "file"
        loaded: dict[str, list[Raw]] = {}
        with _database(requests) as (_, database):
            ItemStore(database).put_many(PROJECT, ITEMS)
            UserStore(database).put_many(PROJECT, [user for user, _ in USERS])
        with _database(file) as (settings, _):
            many = [(Item(f"i{number}", created_at=NOON, updated_at=NOON), None) for number in range(LEAST_LOADED)]
            collecting = Database(settings, schema.MODELS, load=lambda table, rows: loaded.update({table: [*rows]}))
            items, users = ItemStore(collecting), UserStore(collecting)
            assert items.put_unless_changed(PROJECT, [*ITEMS, *many]) == set()
            assert (
                users.put_unless_changed(PROJECT, [*USERS, *((User(item.item_id), None) for item, _ in many)]) == set()
            )
            assert items.get_stored(PROJECT, [item.item_id for item, _ in many]) == {}
            collecting.close()

        for table, rows in loaded.items():
            own = [row for row in rows if not row["key"]["S"].startswith(f"{PROJECT}#i")]
            assert DatabaseFile(file, SYSTEM_CLOCK).put(table, own) == len(own)
            assert _content(file, table) == _content(requests, table)
        with _database(file) as (_, database):
            stored = ItemStore(database).list_page(PROJECT, "drinks", None, 10).records
            assert list(stored) == [ITEMS[0][0]]
            assert list(UserStore(database).list_page(PROJECT, None, 10).records) == [USERS[0][0]]

    def test_a_load_that_is_killed_has_no_effect_and_can_be_repeated(self, tmp_path: Path) -> None:
        with _database(tmp_path):
            pass
        rows = [row_of(PROJECT, event) for event in EVENTS]
        values = {**os.environ, "PYTHONPATH": str(ROOT)}

        killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=values, check=False)

        with pytest.raises(SetupError, match="serendip-none or its stream is missing"):
            DatabaseFile(tmp_path, SYSTEM_CLOCK).put("serendip-none", rows)
        assert killed.returncode == -SIGKILL
        assert _content(tmp_path) == ([], [])
        assert DatabaseFile(tmp_path, SYSTEM_CLOCK).put(TABLE, rows) == len(rows)
        assert DatabaseFile(tmp_path, SYSTEM_CLOCK).put(TABLE, rows) == 0
        stored, records = _content(tmp_path)
        assert len(stored) == len(records) == len(rows)


class TestLoad:
    def test_a_process_that_joins_during_a_load_waits_for_it(self, tmp_path: Path) -> None:
        def join() -> tuple[int, bool]:
            with shared_emulator.running(ROOT / ".serendip", tmp_path) as joined:
                return joined.pid, dynamodb.responds(joined.endpoint)

        with shared_emulator.running(ROOT / ".serendip", tmp_path) as emulator, ThreadPoolExecutor(1) as other:
            first = emulator.pid
            with emulator.stopped():
                joining = other.submit(join)
                with pytest.raises(TimeoutError):
                    joining.result(timeout=0.5)

            assert joining.result() == (emulator.pid, True)
            assert emulator.pid != first


class TestVersion:
    def test_a_file_of_another_version_is_refused(self, tmp_path: Path) -> None:
        with closing(sqlite3.connect(tmp_path / dynamodb.FILE)) as connection:
            connection.execute("CREATE TABLE cf (version TEXT)")
            connection.execute("INSERT INTO cf VALUES ('v9')")
            connection.commit()

        with pytest.raises(SetupError, match="another version"):
            DatabaseFile(tmp_path, SYSTEM_CLOCK).put(TABLE, [])
