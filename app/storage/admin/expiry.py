"""Give stored events the expiry of a setting that was changed after they were written."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from app.clock import SYSTEM_CLOCK, Clock
from app.domain.events import EventSelection
from app.errors import Conflict
from app.storage.attributes import integer
from app.storage.database import Database, Raw
from app.storage.events import EventRow, EventStore
from app.storage.selecting import Retention
from app.storage.table import SEPARATOR, Table, key, moment

PAGE = 500


class Expiry:
    def __init__(self, database: Database, days: int | None, clock: Clock = SYSTEM_CLOCK) -> None:
        """`days` is None if events are kept for ever."""
        self._database, self._table, self._store = database, Table(database, EventRow), EventStore(database)
        self._retention, self._clock = Retention(days, clock), clock

    def apply(self, project: str, report: Callable[[int, int], None]) -> tuple[int, int]:
        """Changes the rows whose expiry is another; returns the numbers of read and of changed events.

        Calls `report` with the numbers so far. Applying it again changes nothing. What the events did stays as it is.
        """
        read, changed, start = 0, 0, None
        while True:
            page = self._store.select(project, EventSelection(), start, PAGE)
            keys = [self._table.key(key(project, user_id), position) for user_id, position in page.keys]
            rows = self._table.get_keys(keys)
            wrong = [row for row in rows if self._wanted(row) != integer(row, "expires_at")]
            self._database.each(self._change, wrong)
            read, changed, start = read + page.read, changed + len(wrong), page.next_start
            report(read, changed)
            if start is None:
                return read, changed

    def _wanted(self, row: Raw) -> int | None:
        """Returns when a row should expire, in seconds since 1970.

        DynamoDB does not delete rows whose expiry is more than five years ago, so those of the past expire now, unless
        they have expired already.
        """
        expiry = self._retention.expiry(moment(row["moment"]["S"].partition(SEPARATOR)[0]))
        if not expiry:
            return None
        now, stored = int(self._clock.now().timestamp()), integer(row, "expires_at")
        wanted = int(expiry["expires_at"]["N"])
        return wanted if wanted > now else stored if stored is not None and stored <= now else now

    def _change(self, row: Raw) -> None:
        wanted = self._wanted(row)
        attribute = EventRow.expires_at
        action = attribute.remove() if wanted is None else attribute.set(datetime.fromtimestamp(wanted).astimezone())
        with suppress(Conflict):  # it was deleted meanwhile, and must not come back
            self._table.update(row["owner"]["S"], row["moment"]["S"], [action], EventRow.owner.exists())
