"""Events of past months in files: a training reads them from there, and never what has changed since."""

import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.config import Settings
from app.domain.access import Limits
from app.domain.events import Event, EventSelection
from app.errors import Unavailable
from app.storage.event_columns import DamagedEvents, EventColumns
from app.storage.events import EventRow, EventStore
from app.storage.objects import FolderFileStore
from app.storage.packed_events import KEPT, QUIET, PackedEvents
from app.storage.selecting import Retention
from app.storage.stream import change
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import SECRET, wired_on
from tests.support.calls import surround
from tests.support.fake_clock import FakeClock

LONG_AGO = timedelta(days=70)
LATER = QUIET + timedelta(minutes=1)


class Shop:
    """A project with events of today and of a month that is over, and a count of what is read of the latter."""

    def __init__(self, wired: Wired, clock: FakeClock, folder: Path) -> None:
        self.wired, self.clock, self.folder = wired, clock, folder
        self.project = wired.services.settings.project
        self.files = FolderFileStore(folder, SECRET.get_secret_value())
        self._store = EventStore(wired.database, Retention(clock=clock))
        self.old = [self.event(f"u{number}", "i1") for number in range(20)]
        self._store.put_many(self.project, [*self.old, self.event("u1", "i2", timedelta())])
        self.wait(LATER)
        self._queried: list[str] = []
        surround(wired.database, self._watched)

    def _watched(self, operation: str, request: dict[str, object], call: object) -> dict[str, object]:
        if operation == "Query" and "IndexName" in request:
            self._queried.append(str(request["ExpressionAttributeValues"]))
        assert callable(call)
        result: dict[str, object] = call()
        return result

    def event(self, user_id: str, item_id: str, age: timedelta = LONG_AGO) -> Event:
        return Event(user_id, item_id, "view", mid_month(self.clock.now() - age) if age else self.clock.now(), "e")

    def wait(self, duration: timedelta) -> None:
        self.clock.advance(duration.total_seconds())

    def read(self, retention: Retention | None = None) -> tuple[set[tuple[str, str]], int]:
        """Returns users and items as a training reads them, and in how many queries of the past month."""
        retention = retention or Retention(clock=self.clock)
        events = EventStore(self.wired.database, retention)
        self._queried.clear()
        read = [(e.user_id, e.item_id) for e in PackedEvents(events, self.files, retention, least=1).all(self.project)]
        month = f"{self.old[0].timestamp:%Y-%m}"
        assert len(set(read)) == len(read)
        return set(read), sum(month in query for query in self._queried)

    @property
    def pairs(self) -> set[tuple[str, str]]:
        return {(event.user_id, event.item_id) for event in self.old} | {("u1", "i2")}


@pytest.fixture
def shop(settings: Settings, tmp_path: Path) -> Iterator[Shop]:
    clock = FakeClock()
    wired = wired_on(settings.model_copy(update={"files": f"{tmp_path}/files"}), clock=clock)
    wired.services.projects.create(settings.project, None, Limits())
    yield Shop(wired, clock, tmp_path / "files")
    wired.close()


class TestReading:
    def test_the_second_reading_takes_past_months_from_files(self, shop: Shop) -> None:
        assert shop.read() == (shop.pairs, 16)

        pairs, queries = shop.read()

        assert pairs == shop.pairs
        assert queries == 16 - len({path.parent for path in shop.folder.rglob("*") if path.is_file()})

    def test_files_say_all_that_a_training_needs(self, shop: Shop) -> None:
        rated = Event("ann", "i3", "rating", mid_month(shop.clock.now() - LONG_AGO), "e", 4.5)
        shop.wired.services.events.accept(shop.project, [rated])
        shop.wait(LATER)
        retention = Retention(clock=shop.clock)
        packed = PackedEvents(EventStore(shop.wired.database, retention), shop.files, retention, least=1)

        first, second = ({_facts(event) for event in packed.all(shop.project)} for _ in range(2))

        assert first == second
        assert _facts(rated) in second

    def test_few_events_are_not_packed(self, shop: Shop) -> None:
        retention = Retention(clock=shop.clock)
        packed = PackedEvents(EventStore(shop.wired.database, retention), shop.files, retention, least=1_000)

        assert len(list(packed.all(shop.project))) == len(shop.pairs)

        assert not list(shop.folder.rglob("*"))

    def test_expired_events_are_not_read(self, shop: Shop) -> None:
        shop.read()

        pairs, _ = shop.read(Retention(days=60, clock=shop.clock))

        assert pairs == {("u1", "i2")}


class TestChanges:
    def test_a_late_event_is_read_at_once_and_packed_later(self, shop: Shop) -> None:
        shop.read()
        shop.wired.services.events.accept(shop.project, [late := shop.event("u1", "late")])
        expected = shop.pairs | {(late.user_id, late.item_id)}
        _, of_unchanged = shop.read()

        for _ in range(2):
            assert shop.read() == (expected, of_unchanged), "a file that was written beside the change counts"

        shop.wait(LATER)
        assert shop.read() == (expected, of_unchanged)
        assert shop.read() == (expected, of_unchanged - 1)

    def test_deleted_events_are_not_read(self, shop: Shop) -> None:
        shop.read()
        events = EventStore(shop.wired.database, Retention(clock=shop.clock))
        selected = events.select(shop.project, EventSelection(owner="u1", item_id="i1"), None, 10)
        shop.wired.services.events.delete(shop.project, selected.keys)

        for _ in range(2):
            pairs, _ = shop.read()
            assert pairs == shop.pairs - {("u1", "i1")}
            shop.wait(LATER)

    def test_an_erased_user_is_in_no_file(self, shop: Shop) -> None:
        shop.read()
        before = contents(shop.folder)
        assert any(b"u7" in content for content in before)

        shop.wired.services.erasure.erase_user(shop.project, "u7")

        assert 0 < len(contents(shop.folder)) < len(before)
        assert not any(b"u7" in content for content in contents(shop.folder))
        assert shop.read()[0] == {pair for pair in shop.pairs if pair[0] != "u7"}

    def test_the_consumer_of_the_stream_passes_over_notes_and_pointers(self, shop: Shop) -> None:
        shop.read()
        rows = [row for row in tables.rows(shop.wired, EventRow) if row["owner"]["S"].startswith(f"{shop.project}##")]
        notes = [row for row in rows if not row["owner"]["S"].endswith("#months")]
        assert {row["owner"]["S"].split("#")[2] for row in notes} == {"changed", "packed"}

        for row in notes:
            keys = {"owner": row["owner"], "moment": row["moment"]}
            content = {"Keys": keys, "NewImage": row, "ApproximateCreationDateTime": 0, "SequenceNumber": "1"}
            assert change({"eventID": "1", "eventName": "INSERT", "dynamodb": content}) is None

    def test_nothing_is_left_of_a_deleted_project(self, shop: Shop) -> None:
        shop.read()
        erasure, project = shop.wired.services.erasure, shop.project
        erasure.delete_project(project)
        shop.wait(timedelta(hours=1))
        erasure.delete_project(project)

        assert not [row for row in tables.rows(shop.wired, EventRow) if row["owner"]["S"].startswith(f"{project}#")]
        assert not contents(shop.folder)


class TestDamage:
    @pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
    def test_a_file_that_is_not_what_was_written_is_not_used(self, shop: Shop, damage: str) -> None:
        _, queries = shop.read()
        for path in [path for path in shop.folder.rglob("*") if path.is_file()]:
            content = path.read_bytes()
            if damage == "missing":
                path.unlink()
            else:
                path.write_bytes(content[:-1] if damage == "cut" else content[:-1] + bytes([content[-1] ^ 1]))

        assert shop.read() == (shop.pairs, queries)

    def test_files_expire(self, shop: Shop) -> None:
        _, queries = shop.read()

        shop.wait(KEPT + timedelta(hours=1))

        assert shop.read() == (shop.pairs, queries)

    def test_a_training_needs_no_files(self, shop: Shop) -> None:
        class Unreachable(FolderFileStore):
            def read(self, name: str, start: int, size: int) -> bytes:
                raise Unavailable(f"{name} cannot be read from {start} to {start + size}.")

            def write(self, name: str, content: bytes) -> None:
                raise Unavailable(f"{name} cannot be written: {len(content)} bytes.")

        shop.read()
        shop.files = Unreachable(shop.folder, SECRET.get_secret_value())

        assert shop.read() == (shop.pairs, 16)

    @pytest.mark.parametrize("packed", [b"", EventColumns().pack()[:-1], b"\x02" + EventColumns().pack()[1:]])
    def test_other_bytes_are_refused(self, packed: bytes) -> None:
        with pytest.raises(DamagedEvents):
            EventColumns.unpack(packed)


def test_columns_keep_times_and_values_exactly() -> None:
    times = [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 10, 5, 23, 59, 59, 999_999, UTC),
        datetime.max.replace(tzinfo=UTC),
    ]
    values = [None, 0.0, -1e-300, 4.5]
    events = [
        Event(f"u{number % 3}", "té", "view", time, "", value)
        for number, (time, value) in enumerate((time, value) for time in times for value in values)
    ]
    columns = EventColumns()
    for event in events:
        columns.add(event)

    assert list(EventColumns.unpack(columns.pack()).events(None)) == events


def mid_month(time: datetime) -> datetime:
    """Moves a time away from the ends of its month."""
    return time.replace(day=15)


def contents(folder: Path) -> Sequence[bytes]:
    """Returns the names in all files."""
    return [zlib.decompress(path.read_bytes()) for path in folder.rglob("*") if path.is_file()]


def _facts(event: Event) -> tuple[object, ...]:
    return event.user_id, event.item_id, event.event_type, event.timestamp, event.value
