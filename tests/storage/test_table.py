from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app import clock
from app.storage.events import EventStore
from app.storage.items import ItemStore
from app.storage.table import PAGE_ROWS, is_expired
from app.wiring import Wired
from tests.support.builders import an_event

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class TestIsExpired:
    def test_a_replayed_request_sees_the_rows_its_first_run_saw(self) -> None:
        row = {"expires_at": {"N": str(int(NOON.timestamp()))}}

        with clock.frozen(NOON - timedelta(seconds=1), b"seed"):
            expired_before = is_expired(row)
        with clock.frozen(NOON, b"seed"):
            expired_at_noon = is_expired(row)

        assert (expired_before, expired_at_noon) == (False, True)


class TestQuery:
    def test_no_page_is_unbounded(self, wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
        """DynamoDB Local would load a whole partition into its memory, and run out of it."""
        dispatch, limits = wired.database.connection.dispatch, list[int | None]()

        def recorded(operation: str, request: dict[str, Any]) -> dict[str, Any]:
            if operation == "Query":
                limits.append(request.get("Limit"))
            return dispatch(operation, request)

        EventStore(wired.database).put_many("shop", [an_event()])
        monkeypatch.setattr(wired.database.connection, "dispatch", recorded)
        list(EventStore(wired.database).all("shop"))
        ItemStore(wired.database).changed_since("shop", 0, NOON)

        assert len(limits) > 2
        assert set(limits) == {PAGE_ROWS}
