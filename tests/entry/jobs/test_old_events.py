"""Imports leave out events that are older than events are kept, and say how many."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.config import Settings
from app.entry.files import contents
from app.entry.files.reader import Options
from app.entry.jobs.previews import preview_of
from app.storage.events import EventRow
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import wired_on
from tests.support.command_line import command, environment
from tests.support.files import written
from tests.support.importing import by_job

DAYS = 40


@pytest.fixture
def shop(settings: Settings, wired: Wired) -> Iterator[Wired]:
    """Services that keep events for some days, over the tables of a project that exists."""
    assert wired.services.settings.event_days is None
    with closing(wired_on(settings.model_copy(update={"event_days": DAYS}))) as kept:
        yield kept


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def events_of(*ages: float) -> str:
    rows = "".join(f"ann,i{age},{days_ago(age)}\n" for age in ages)
    return f"user_id,item_id,timestamp\n{rows}"


class TestImport:
    def test_old_events_are_skipped_and_counted(self, shop: Wired, settings: Settings, tmp_path: Path) -> None:
        """Most of a file of several years may be too old; that is no failure."""
        path = written(tmp_path, "e.csv", events_of(*range(300, 100, -1), 39, 1))

        imported = by_job(shop, settings.project, path)

        assert imported.succeeded
        assert imported.pairs == {("ann", "i39"), ("ann", "i1")}
        assert "200 rows are older than events are kept (SERENDIP_EVENT_DAYS) and are skipped" in imported.says
        assert "'skipped': 200" in imported.says or "skipped=200" in imported.says
        assert "rejected=0" in imported.says

    def test_the_events_expire(self, shop: Wired, settings: Settings, tmp_path: Path) -> None:
        by_job(shop, settings.project, written(tmp_path, "e.csv", events_of(10)))

        (row,) = [row for row in tables.rows(shop, EventRow) if row["owner"]["S"] == f"{settings.project}#ann"]

        expected = datetime.now(UTC) + timedelta(days=DAYS - 10)
        assert abs(int(row["expires_at"]["N"]) - expected.timestamp()) < 3_600

    def test_a_file_of_old_events_loads_nothing_and_says_why(
        self, shop: Wired, settings: Settings, tmp_path: Path
    ) -> None:
        imported = by_job(shop, settings.project, written(tmp_path, "e.csv", events_of(41, 5_000)))

        assert not imported.succeeded
        assert imported.is_empty
        assert "Nothing was loaded: the events are older than events are kept (SERENDIP_EVENT_DAYS)" in imported.says

    def test_events_without_a_time_are_of_the_year_2000(self, shop: Wired, settings: Settings, tmp_path: Path) -> None:
        imported = by_job(shop, settings.project, written(tmp_path, "e.csv", "user_id,item_id\nann,tea\n"))

        assert "1 row is older than events are kept" in imported.says

    def test_rows_with_old_events_still_give_facts_of_their_items(
        self, shop: Wired, settings: Settings, tmp_path: Path
    ) -> None:
        text = f"user_id,item_id,timestamp,title\nann,tea,{days_ago(60)},Tea\nann,mug,{days_ago(1)},Mug\n"

        imported = by_job(shop, settings.project, written(tmp_path, "e.csv", text), records="events,items")

        assert imported.succeeded
        assert {item_id: item.title for item_id, item in imported.items.items()} == {"tea": "Tea", "mug": "Mug"}
        assert imported.pairs == {("ann", "mug")}
        assert "1 event is older than events are kept (SERENDIP_EVENT_DAYS)" in imported.says
        assert "skipped=0" in imported.says

    def test_without_the_setting_all_are_loaded(self, wired: Wired, settings: Settings, tmp_path: Path) -> None:
        imported = by_job(wired, settings.project, written(tmp_path, "e.csv", events_of(1, 41, 5_000)))

        assert len(imported.events) == 3
        assert "older than" not in imported.says

    def test_the_command_skips_and_counts_them_too(
        self, wired: Wired, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = written(tmp_path, "e.csv", events_of(100, 41, 1))
        variables = environment(settings, settings.project) | {"SERENDIP_EVENT_DAYS": str(DAYS)}

        ended = command(capsys, tmp_path, variables, "import", str(path))

        assert ended.code == 0
        assert "3 rows read, 1 event loaded, 0 rejected, 2 skipped" in ended.out
        assert "2 rows are older than events are kept (SERENDIP_EVENT_DAYS) and are skipped" in ended.out
        assert "erased" not in ended.out
        assert [event.item_id for event in wired.services.events.all(settings.project)] == ["i1"]


class TestPreview:
    def test_it_shows_that_old_events_would_be_skipped(self, tmp_path: Path) -> None:
        path = written(tmp_path, "e.csv", events_of(100, 1))

        shown = preview_of(contents.of_path(path), Options(in_job=True), datetime.now(UTC) - timedelta(days=DAYS))

        assert [(len(row["records"]), row["skipped"]) for row in shown["rows"]] == [
            (0, "is older than events are kept (SERENDIP_EVENT_DAYS)"),
            (1, None),
        ]
        assert (shown["summary"]["skipped"], shown["summary"]["loaded"]) == (1, 1)
