"""`serendip import`: options, summaries, and ends that say what happened."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import psutil
import pyarrow as pa
import pytest
from pyarrow import parquet

from app.entry.cli import loading
from app.entry.errors import SetupError
from app.entry.files.reader import Options
from app.entry.jobs import batch_writer, slices
from app.entry.local import database_file, dynamodb
from app.errors import Unavailable
from app.services.events import Events
from app.wiring import Wired
from tests.support.files import written
from tests.support.importing import Imported, by_command, stored

SALES = """customer,product,name,price,time,kind
ann,tea,Green Tea,4.5,2026-01-31,order
bob,tea,Green Tea 100 g,4.75,2026-01-31,order
,tea,damaged,0,2026-02-01,check
,mug,Mug,8,2026-02-01,check
"""
MAPPING = {
    "user_id": "customer",
    "item_id": "product",
    "title": "name",
    "timestamp": "time",
    "event_type": "kind",
    "properties.price": "price",
}

Run = Callable[..., Imported]


@pytest.fixture
def run(wired: Wired, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "cwd").mkdir()

    def running(path: Path, *more: str, **options: Any) -> Imported:
        return by_command(wired, wired.services.settings.project, tmp_path / "cwd", capsys, path, *more, **options)

    return running


class TestSales:
    def test_one_file_loads_events_and_the_last_facts_of_their_items(
        self, run: Run, wired: Wired, tmp_path: Path
    ) -> None:
        project = wired.services.settings.project
        path = written(tmp_path, "sales.csv", SALES)
        imported = run(written(tmp_path, "items.csv", "item_id,title,category,price\ntea,Tea,Drinks,1\n"))
        assert imported.succeeded

        imported = run(path, columns=MAPPING)

        assert imported.succeeded, imported.says
        assert imported.pairs == {("ann", "tea"), ("bob", "tea")}
        assert {event.event_type for event in imported.events} == {"order"}
        tea, mug = imported.items["tea"], imported.items["mug"]
        assert (tea.title, tea.categories, tea.properties) == ("Green Tea 100 g", ("Drinks",), {"price": 4.75})
        assert (mug.title, mug.properties) == ("Mug", {"price": 8})
        assert "2 rows have no user" in imported.says
        before = wired.services.items.get(project, "tea")
        assert run(path, columns=MAPPING).events == imported.events
        assert wired.services.items.get(project, "tea") == before


class TestFormats:
    def test_numbers_and_dates_are_read_as_the_user_names_them(self, run: Run, tmp_path: Path) -> None:
        path = written(tmp_path, "e.csv", "user_id;item_id;value;timestamp\nann;tea;1.234,5;01/02/10 +0100\n")

        imported = run(path, decimal=",", date_format="%d/%m/%y %z")

        (event,) = imported.events
        assert (event.value, event.timestamp.isoformat()) == (1234.5, "2010-01-31T23:00:00+00:00")

    @pytest.mark.parametrize(
        ("option", "value", "says"),
        [
            ("--decimal", ";", "';' is not one of . ,"),
            ("--date-format", "%m/%Y", "lacks a day"),
            ("--date-format", "%d.%m.%Y %I:%M", "lacks %p"),
            ("--date-format", "%d.%m.%Q", "codes of strptime"),
            ("--time-unit", "m", "'m' is not one of s, ms, us, ns"),
            ("--event-type", "a/b", "'a/b' is not a valid id"),
        ],
    )
    def test_options_that_cannot_be_right_are_refused(
        self, run: Run, tmp_path: Path, option: str, value: str, says: str
    ) -> None:
        imported = run(written(tmp_path, "e.csv", "user_id,item_id\nann,tea\n"), option, value)

        assert not imported.succeeded
        assert says in imported.says


class TestFilesWithoutRows:
    @pytest.mark.parametrize("options", [(), ("--preview",), ("--dry-run",)])
    @pytest.mark.parametrize("name", ["e.csv", "e.parquet"])
    def test_nothing_else_is_said_of_them(self, run: Run, tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
        path = tmp_path / name
        if path.suffix == ".csv":
            path.write_text("user_id,item_id\n")
        else:
            parquet.write_table(pa.table({"user_id": pa.array([], "string"), "item_id": pa.array([], "string")}), path)

        imported = run(path, *options)

        assert not imported.succeeded
        assert f"{name}: The file has no rows." in imported.says
        assert "Note:" not in imported.says


class TestPreview:
    def test_columns_without_a_name_are_among_the_ignored_ones(self, run: Run, tmp_path: Path) -> None:
        imported = run(written(tmp_path, "i.csv", ",item_id,Unnamed: 0\n0,tea,0\n"), "--preview")

        assert "Ignored columns: Unnamed: 0 (row numbers of pandas), (no name)" in imported.says

    def test_a_preview_shows_records_and_ignored_columns_and_stores_nothing(self, run: Run, tmp_path: Path) -> None:
        imported = run(written(tmp_path, "e.csv", "user_id,item_id,colour\nann,tea,red\nb/b,tea,\n"), "--preview")

        assert imported.succeeded
        assert imported.is_empty
        assert '"user_id":"ann"' in imported.says
        assert "line 3 is rejected: user_id: 'b/b' is not a valid id" in imported.says
        assert "Ignored columns: colour" in imported.says

    @pytest.mark.parametrize(
        ("cells", "is_noted"), [(("a, b", "c"), True), (("a, b", "c|d"), False), (("a", "b"), False)]
    )
    def test_categories_with_commas_are_noted_unless_others_are_lists(
        self, run: Run, tmp_path: Path, cells: tuple[str, str], *, is_noted: bool
    ) -> None:
        rows = "".join(f'i{number},"{cell}"\n' for number, cell in enumerate(cells))

        imported = run(written(tmp_path, "i.csv", f"item_id,category\n{rows}"), "--preview")

        assert ("a cell with commas or semicolons is one category" in imported.says) is is_noted


class TestDryRun:
    def test_a_dry_run_checks_everything_and_stores_nothing(self, run: Run, tmp_path: Path) -> None:
        imported = run(written(tmp_path, "e.csv", "user_id,item_id\nann,tea\n,tea\n"), "--dry-run")

        assert not imported.succeeded
        assert imported.is_empty
        assert "2 rows read, 1 event loaded, 1 rejected" in imported.says
        assert "1 x user_id is empty" in imported.says
        assert not list(tmp_path.rglob("*.rejects.jsonl"))


class TestSummary:
    def test_items_that_were_stored_before_are_unchanged(self, run: Run, tmp_path: Path) -> None:
        run(written(tmp_path, "items.csv", "item_id,title\na,A\nb,B\n"))

        imported = run(written(tmp_path, "items.csv", "item_id,title\na,A\nb,C\nc,C\n"))

        assert "3 rows read, 2 items loaded, 1 unchanged, 0 rejected" in imported.says

    def test_erased_users_are_skipped(self, run: Run, wired: Wired, tmp_path: Path) -> None:
        wired.services.erasure.erase_user(wired.services.settings.project, "ann")

        imported = run(written(tmp_path, "e.csv", "user_id,item_id\nann,tea\nbob,tea\n"))

        assert imported.pairs == {("bob", "tea")}
        assert "1 event loaded, 0 rejected, 1 skipped" in imported.says
        assert "1 row is of an erased user and is skipped" in imported.says

    def test_a_repeated_header_is_skipped_and_said(self, run: Run, tmp_path: Path) -> None:
        imported = run(written(tmp_path, "items.csv", "item_id,title\na,A\nitem_id,title\nb,B\n"))

        assert "3 rows read, 2 items loaded, 0 unchanged, 0 rejected, 1 skipped" in imported.says
        assert "Note: 1 row repeats the header line and is skipped" in imported.says

    def test_events_with_an_empty_time_are_counted(self, run: Run, tmp_path: Path) -> None:
        rows = "ann,tea,1700000000\nbob,tea,\ncid,tea,NaT\n"

        imported = run(written(tmp_path, "e.csv", f"user_id,item_id,timestamp\n{rows}"))

        assert "3 events loaded" in imported.says
        assert "Note: 2 events have an empty timestamp" in imported.says

    def test_rejected_rows_stand_beside_the_file(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        folder.mkdir()
        rows = "".join(f"u{n},tea\n" for n in range(20))
        written(folder, "e.csv", f"user_id,item_id\n{rows},tea\n")

        assert run(folder).succeeded

        (rejects,) = tmp_path.rglob("*.rejects.jsonl")
        assert (rejects.parent.name, rejects.name) == ("data", "e.csv.rejects.jsonl")
        assert orjson.loads(rejects.read_bytes()) == {
            "line": 22,
            "reason": "user_id is empty",
            "row": {"user_id": "", "item_id": "tea"},
        }


class TestFolder:
    def test_nothing_is_loaded_if_a_file_is_broken(self, run: Run, tmp_path: Path) -> None:
        (folder := tmp_path / "data").mkdir()
        written(folder, "a.csv", "user_id,item_id\nann,tea\n")
        written(folder, "b.csv", 'user_id,item_id\nbob,"tea\n')

        imported = run(folder)

        assert not imported.succeeded
        assert imported.is_empty
        assert "Nothing was loaded: repair this file" in imported.says

    def test_a_file_of_bad_rows_only_leaves_the_others_alone(self, run: Run, tmp_path: Path) -> None:
        (folder := tmp_path / "data").mkdir()
        written(folder, "a.csv", "user_id,item_id\n" + "b b,tea\n" * 100)
        written(folder, "b.csv", "user_id,item_id\nbob,tea\n")

        imported = run(folder)

        assert not imported.succeeded
        assert imported.pairs == {("bob", "tea")}
        assert "Failed: a.csv: the first 100 rows are all bad" in imported.says


class TestIdentity:
    def test_an_event_id_that_several_events_share_is_rejected(self, run: Run, tmp_path: Path) -> None:
        rows = "ann,tea,o1,2026-01-31\nann,mug,o1,2026-01-31\nann,tea,o1,2026-01-31\nbob,mug,o1,2026-01-31\n"

        imported = run(written(tmp_path, "e.csv", f"user_id,item_id,event_id,timestamp\n{rows}"))

        assert imported.pairs == {("ann", "tea"), ("bob", "mug")}
        assert "has the event_id of another event" in imported.says
        assert "1 row repeats an event" in imported.says


class TestOutage:
    def test_a_lost_database_is_reported_with_what_is_safe_and_without_log_lines(
        self, wired: Wired, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        services, project = wired.services, wired.services.settings.project
        path = written(tmp_path, "e.csv", "user_id,item_id\n" + "".join(f"u{n},tea\n" for n in range(5)))
        accept, calls = Events.accept, list[int]()

        def failing(events: Events, *arguments: Any) -> None:
            calls.append(1)
            if len(calls) > 1:
                raise Unavailable("The database cannot be reached.")
            accept(events, *arguments)

        monkeypatch.setattr(slices, "SLICE_ROWS", 2)
        monkeypatch.setattr(services.events, "batch_size", 2)
        monkeypatch.setattr(batch_writer, "RETRY_TIMEOUT", timedelta(seconds=1))
        with monkeypatch.context() as outage:
            outage.setattr(Events, "accept", failing)
            with pytest.raises(Unavailable) as raised:
                loading.load_files(services, project, loading.read_files(path, Options()))

        assert "2 rows of e.csv are safe. Run the same command again" in str(raised.value)
        assert len(calls) > 2
        assert "stamina" not in capsys.readouterr().err
        assert len(stored(wired, project, succeeded=False, says="").events) == 2

        assert loading.load_files(services, project, loading.read_files(path, Options())).succeeded
        assert len(stored(wired, project, succeeded=True, says="").events) == 5

    @pytest.mark.parametrize("is_full", [False, True])
    def test_a_local_database_that_does_not_start_again_or_has_no_space_is_reported_with_what_is_safe(
        self, wired: Wired, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_full: bool
    ) -> None:
        services, project = wired.services, wired.services.settings.project
        path = written(tmp_path, "e.csv", "user_id,item_id\nann,tea\n")
        connection = sqlite3.connect(tmp_path / dynamodb.FILE)
        connection.execute("CREATE TABLE cf AS SELECT 'v2.4.0' AS version")
        connection.close()

        class Lost(dynamodb.Emulator):
            @contextmanager
            def stopped(self) -> Iterator[None]:
                yield
                raise dynamodb.StartError("DynamoDB Local did not start.")

        def put(*_: object) -> None:
            if is_full:
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error

        def load(*_: object, **__: object) -> None:
            database_file.load(Lost(psutil.Process(), 1), tmp_path, "events", [])

        monkeypatch.setattr(database_file.DatabaseFile, "_put", put)
        monkeypatch.setattr(batch_writer, "RETRY_TIMEOUT", timedelta(seconds=0.1))
        monkeypatch.setattr(Events, "accept", load)
        with pytest.raises((Unavailable, SetupError)) as raised:
            loading.load_files(services, project, loading.read_files(path, Options()))

        assert str(raised.value).startswith(
            f"The disk that holds {tmp_path} is full." if is_full else "DynamoDB Local did not start."
        )
        assert "0 rows of e.csv are safe. Run the same command again" in str(raised.value)


class TestLoadOnce:
    def test_unchanged_files_are_not_loaded_again_by_the_next_server(
        self, wired: Wired, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        services, project, state = wired.services, wired.services.settings.project, tmp_path / "state.json"
        path = written(tmp_path, "e.csv", "user_id,item_id\nann,tea\n")
        assert loading.load_once(services, project, path, Options(), state)
        assert "1 event loaded" in capsys.readouterr().out

        assert loading.load_once(services, project, path, Options(), state)
        assert "has not changed" in capsys.readouterr().out

        written(tmp_path, "e.csv", "user_id,item_id\nann,tea\nbob,tea\n")
        assert loading.load_once(services, project, path, Options(), state)
        assert "2 events loaded" in capsys.readouterr().out

    def test_a_file_without_a_good_row_is_loaded_again(self, wired: Wired, tmp_path: Path) -> None:
        services, project, state = wired.services, wired.services.settings.project, tmp_path / "state.json"
        path = written(tmp_path, "e.csv", "user_id,item_id\n,tea\n")

        assert not loading.load_once(services, project, path, Options(), state)
        assert not state.exists()
