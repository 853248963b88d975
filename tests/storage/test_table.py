from datetime import UTC, datetime, timedelta

from app import clock
from app.storage.table import is_expired

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class TestIsExpired:
    def test_a_replayed_request_sees_the_rows_its_first_run_saw(self) -> None:
        row = {"expires_at": {"N": str(int(NOON.timestamp()))}}

        with clock.frozen(NOON - timedelta(seconds=1), b"seed"):
            expired_before = is_expired(row)
        with clock.frozen(NOON, b"seed"):
            expired_at_noon = is_expired(row)

        assert (expired_before, expired_at_noon) == (False, True)
