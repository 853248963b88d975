"""Stored events get the expiry of a setting that was changed after they were written."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.config import Settings
from app.domain.events import Event
from app.entry.stream import Consumer
from app.storage.admin.expiry import PAGE, Expiry
from app.storage.attributes import integer
from app.storage.event_rows import row_of
from app.storage.events import EventRow
from app.storage.selecting import Retention
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import an_event
from tests.support.calls import names_of_calls, surround
from tests.support.command_line import command, environment
from tests.support.stream_records import NoSockets, a_record

DAYS = 400


def happened(days_ago: float, user_id: str = "ann", event_id: str = "e") -> Event:
    return Event(user_id, "tea", "view", datetime.now(UTC) - timedelta(days=days_ago), event_id)


def expiries(wired: Wired, project: str) -> dict[str, int | None]:
    """When each event expires, by its position."""
    rows = tables.of_project(wired, EventRow, project)
    return {row["moment"]["S"]: integer(row, "expires_at") for row in rows if "item_id" in row}


def apply(wired: Wired, project: str, days: int | None) -> tuple[int, int]:
    return Expiry(wired.database, days).apply(project, lambda _read, _changed: None)


class TestApply:
    def test_all_events_expire_by_their_own_time(self, wired: Wired, settings: Settings) -> None:
        events = [happened(n % 300, f"u{n % 7}", f"e{n}") for n in range(PAGE + 100)]
        wired.services.events.accept(settings.project, events)

        assert apply(wired, settings.project, DAYS) == (len(events), len(events))

        retention = Retention(DAYS)
        assert expiries(wired, settings.project) == {
            row_of("p", event)["moment"]["S"]: int(retention.expiry(event.timestamp)["expires_at"]["N"])
            for event in events
        }

    def test_applying_it_again_changes_nothing(self, wired: Wired, settings: Settings) -> None:
        wired.services.events.accept(settings.project, [happened(1), happened(500), happened(5_000)])
        apply(wired, settings.project, DAYS)
        writes = names_of_calls(wired.database, "UpdateItem")

        assert apply(wired, settings.project, DAYS)[1] == 0
        assert writes == []

    def test_events_that_are_too_old_expire_now(self, wired: Wired, settings: Settings) -> None:
        """DynamoDB never deletes a row whose expiry is more than five years ago."""
        before = int(datetime.now(UTC).timestamp())
        wired.services.events.accept(settings.project, [happened(500), happened(5_000, event_id="older")])

        apply(wired, settings.project, DAYS)

        stored = expiries(wired, settings.project).values()  # the database may have deleted them by now
        assert all(expiry is not None and before <= expiry <= datetime.now(UTC).timestamp() for expiry in stored)

    @pytest.mark.parametrize("days", [500, 300, None])
    def test_another_setting_replaces_the_expiry(self, wired: Wired, settings: Settings, days: int | None) -> None:
        event = happened(3)
        wired.services.events.accept(settings.project, [event])
        apply(wired, settings.project, DAYS)

        assert apply(wired, settings.project, days) == (1, 1)

        wanted = Retention(days).expiry(event.timestamp)
        assert list(expiries(wired, settings.project).values()) == [int(wanted["expires_at"]["N"]) if wanted else None]

    def test_an_event_that_is_deleted_meanwhile_stays_deleted(self, wired: Wired, settings: Settings) -> None:
        wired.services.events.accept(settings.project, [happened(1)])

        def erased_first(
            operation: str, _request: dict[str, Any], call: Callable[[], dict[str, Any]]
        ) -> dict[str, Any]:
            if operation == "UpdateItem":
                undo()
                wired.services.erasure.erase_user(settings.project, "ann")
            return call()

        undo = surround(wired.database, erased_first)
        apply(wired, settings.project, DAYS)

        assert expiries(wired, settings.project) == {}

    def test_other_projects_stay_as_they_are(self, wired: Wired, settings: Settings) -> None:
        wired.services.events._store.put_many(f"{settings.project}-other", [happened(1)])  # noqa: SLF001

        assert apply(wired, settings.project, DAYS) == (0, 0)

        assert list(expiries(wired, f"{settings.project}-other").values()) == [None]

    def test_the_stream_reports_that_nothing_happened_to_an_event(self, wired: Wired, settings: Settings) -> None:
        event = an_event()
        writes = names_of_calls(wired.database)

        assert Consumer(wired.services, NoSockets()).apply([a_record(settings.project, event, event)]) is None

        assert writes == []


class TestCommand:
    def test_it_applies_the_setting_and_says_what_it_did(
        self, wired: Wired, settings: Settings, tmp_path: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wired.services.events.accept(settings.project, [happened(1), happened(2)])
        variables = environment(settings, settings.project)

        ended = command(capsys, tmp_path, variables | {"SERENDIP_EVENT_DAYS": "90"}, "events", "expire")
        assert (ended.code, "2 events read, 2 changed: all expire 90 days after they happened." in ended.out) == (
            0,
            True,
        )
        assert None not in expiries(wired, settings.project).values()

        ended = command(capsys, tmp_path, variables, "events", "expire")
        assert "2 events read, 2 changed: all are kept for ever." in ended.out
        assert set(expiries(wired, settings.project).values()) == {None}
