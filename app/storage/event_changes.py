"""Note when events of past months change, and point to the files that they are packed in.

Both are rows of the table of events with the sort key of verdicts, which the stream's consumer passes over.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock
from time import time
from typing import Any

from cachetools import TTLCache

from app.clock import Clock
from app.domain.events import EventKey
from app.storage.attributes import binary, expiry, number
from app.storage.database import Raw
from app.storage.event_rows import VERDICTS
from app.storage.table import MONTH_SHARDS, Table, iso, key, shard

NOTED_SECONDS = 60.0
"""How long a change needs no other note: far less than a file must be younger than a change."""
MOST_NOTED = 50_000
Place = tuple[str, str]
"""A month and a shard."""


class EventChanges:
    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock
        self._lock = Lock()
        self._noted: TTLCache[str, bool] = TTLCache(MOST_NOTED, NOTED_SECONDS, clock.monotonic)

    def note(self, project: str, keys: Sequence[EventKey]) -> None:
        """Notes that events are about to be written or deleted, as far as they are of past months."""
        now = max(self._clock.now(), datetime.fromtimestamp(time(), UTC))  # a repeated request has its former time
        month = iso(now)[:7]
        past = {(position[:7], shard(user, MONTH_SHARDS)) for user, position in keys if position[:7] < month}
        owners = {_changed(project, place) for place in past}
        with self._lock:
            owners = {owner for owner in owners if owner not in self._noted}
        if owners:
            self._table.write_rows([_row(owner, value={"N": str(now.timestamp())}) for owner in sorted(owners)])
            with self._lock:
                self._noted.update(dict.fromkeys(owners, True))

    def put_pointer(self, project: str, place: Place, packed: bytes, expires_at: datetime) -> None:
        expires = {"N": str(int(expires_at.timestamp()))}
        self._table.write_rows([_row(_pointer(project, place), verdicts={"B": packed}, expires_at=expires)])

    def pointers(self, project: str, places: Sequence[Place]) -> dict[Place, tuple[bytes, float]]:
        """Returns the pointers that have not expired, each with the time of the last change, in seconds since 1970."""
        keys = [self._table.key(owner, VERDICTS) for owner in owners_of(project, places)]
        stored = self._table.get_keys(keys, consistent=True)
        rows, now = {row["owner"]["S"]: row for row in stored}, self._clock.now()
        pointers = dict[Place, tuple[bytes, float]]()
        for place in places:
            row, changed = rows.get(_pointer(project, place)), rows.get(_changed(project, place))
            packed = binary(row, "verdicts") if row and expiry(row) > now else None
            if packed:
                pointers[place] = packed, (number(changed, "value") or 0.0) if changed else 0.0
        return pointers


def places_of(months: Sequence[str]) -> list[Place]:
    return [(month, f"{number:02d}") for month in months for number in range(MONTH_SHARDS)]


def owners_of(project: str, places: Sequence[Place]) -> list[str]:
    """Returns the partition keys of all such rows of some places."""
    return [owner for place in places for owner in (_pointer(project, place), _changed(project, place))]


def _pointer(project: str, place: Place) -> str:
    return key(project, "", "packed", *place)


def _changed(project: str, place: Place) -> str:
    return key(project, "", "changed", *place)


def _row(owner: str, **attributes: Any) -> Raw:  # noqa: ANN401 - DynamoDB's JSON
    return {"owner": {"S": owner}, "moment": {"S": VERDICTS}, **attributes}
