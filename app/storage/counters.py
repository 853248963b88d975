"""Counters of what the stream of events brought, by the time at which it came.

A row of the finest level holds the counts of ten seconds and, in the same write, the ids of the stream's records that
it counted: a record that comes again changes nothing, whatever came in between and wherever the process was killed.
Rows of the coarser levels are sums of those below; computing one again gives the same.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pynamodb.attributes import BinaryAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.models import Model

from app.errors import Conflict
from app.storage.database import Database, Raw
from app.storage.table import SEPARATOR, Table, key, shard

LANES = 8
"""Spread a project's writes over partitions."""
DUE_SHARDS = 4
DUE = "due"
FINEST = 10
"""Seconds of a row that counts records."""
DIGEST_BYTES = 8
DAY = 86_400
KEPT_DAYS = 100
FINEST_KEPT_DAYS = 2
"""The stream repeats nothing after one."""
PAGE_BYTES = 32_000
"""Rows of the finest level get another page where they would grow beyond, because every write writes a whole page."""


class CounterRow(Model):
    class Meta:
        table_name = "counters"

    key = UnicodeAttribute(hash_key=True)
    """project#level, with #lane at the finest; #due#shard for the projects whose lists must be refreshed;
    #checkpoint#stream."""
    start = UnicodeAttribute(range_key=True)
    """Second since 1970 at which the row's time begins, with #page from the second page on; or the project that is due,
    or the shard of the checkpoint."""
    packed = BinaryAttribute(legacy_encoding=False, null=True)
    seen = BinaryAttribute(legacy_encoding=False, null=True)
    """Digests of the counted records' ids, one after the other."""
    version = NumberAttribute(default=0)
    """Of the finest level: how often it was written; of the others: the sum of what they are made of."""
    reached = UnicodeAttribute(null=True)
    """Of a checkpoint: the sequence number of the last record that was applied."""
    touched: UnicodeSetAttribute = UnicodeSetAttribute(null=True)
    expires_at = TTLAttribute(null=True)


@dataclass(frozen=True, slots=True)
class Counted:
    """One row, or one page of a row of the finest level."""

    start: int
    packed: bytes | None = None
    seen: frozenset[bytes] = frozenset()
    version: int = 0
    page: int = 0

    @property
    def full(self) -> bool:
        return len(self.packed or b"") + DIGEST_BYTES * len(self.seen) >= PAGE_BYTES


@dataclass(frozen=True, slots=True)
class PendingRefresh:
    """A project whose lists are older than its counters, and which times of these changed."""

    project: str
    touched: frozenset[int] = field(default_factory=frozenset)
    version: int = 0
    since: float = 0.0
    """When it was put off first, in seconds since 1970."""


class CounterStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, CounterRow)
        self._submit = database.submit

    def pages(self, project: str, lane: str, start: int) -> list[Counted]:
        """The pages of a row of the finest level, in their order."""
        return self._range(key(project, str(FINEST), lane), start, start + FINEST)

    def put(self, project: str, lane: str, row: Counted, now: float) -> None:
        """Write a page of the finest level, provided that its version is the one before (else Conflict)."""
        unchanged = CounterRow.key.does_not_exist() if row.version == 1 else CounterRow.version == row.version - 1
        self._table.put(_row(key(project, str(FINEST), lane), FINEST_KEPT_DAYS, row, now), unchanged)

    def put_sum(self, project: str, level: int, row: Counted, now: float) -> None:
        """Write a row of a coarser level, unless a newer one is there."""
        older = CounterRow.key.does_not_exist() | (CounterRow.version < row.version)
        with suppress(Conflict):
            self._table.put(_row(key(project, str(level)), KEPT_DAYS, row, now), older)

    def between(self, project: str, level: int, begin: int, end: int) -> list[Counted]:
        """The rows of a level whose time begins in [begin, end), of all lanes."""
        if begin >= end:
            return []
        if level != FINEST:
            return self._range(key(project, str(level)), begin, end)
        lanes = [f"{number:02d}" for number in range(LANES)]
        reading = [self._submit(self._range, key(project, str(level), lane), begin, end) for lane in lanes]
        return [row for one in reading for row in one.result()]

    def _range(self, partition: str, begin: int, end: int) -> list[Counted]:
        condition = CounterRow.start.between(_start(begin), _start(end - 1) + SEPARATOR + "999")
        rows = self._table.query_all(partition, range_condition=condition, consistent=True)
        return [_counted(row) for row in rows]

    def mark_due(self, project: str, touched: Sequence[int], now: float) -> None:
        """Remember that a project's lists must be refreshed."""
        request = {
            "TableName": self._table.name,
            "Key": self._table.key(_due(project), project),
            "UpdateExpression": "SET since = if_not_exists(since, :now) ADD touched :touched, version :one",
            "ExpressionAttributeValues": {
                ":touched": {"SS": [str(one) for one in touched]},
                ":one": {"N": "1"},
                ":now": {"N": str(int(now))},
            },
        }
        self._table.database.call("UpdateItem", request)

    def due(self, project: str) -> PendingRefresh | None:
        row = self._table.get(_due(project), project, consistent=True)
        return _due_of(row) if row else None

    def all_due(self) -> list[PendingRefresh]:
        """Some projects whose lists are due; asked again, others."""
        partitions = [key("", DUE, f"{number:02d}") for number in range(DUE_SHARDS)]
        return [_due_of(row) for partition in partitions for row in self._table.query(partition, consistent=True)[0]]

    def done(self, due: PendingRefresh) -> None:
        """Forget that a project was due, unless it became so again."""
        request = {
            "TableName": self._table.name,
            "Key": self._table.key(_due(due.project), due.project),
            "ConditionExpression": "version = :version",
            "ExpressionAttributeValues": {":version": {"N": str(due.version)}},
        }
        with suppress(Conflict):
            self._table.database.call("DeleteItem", request)


def lane_of(user_id: str) -> str:
    return shard(user_id, LANES)


def _due(project: str) -> str:
    return key("", DUE, shard(project, DUE_SHARDS))


def _start(second: int) -> str:
    return f"{second:012d}"


def _row(partition: str, kept_days: int, row: Counted, now: float) -> CounterRow:
    return CounterRow(
        key=partition,
        start=_start(row.start) + (f"{SEPARATOR}{row.page:03d}" if row.page else ""),
        packed=row.packed,
        seen=b"".join(sorted(row.seen)) or None,
        version=row.version,
        expires_at=datetime.fromtimestamp(max(now, row.start) + kept_days * DAY, UTC),
    )


def _counted(row: Raw) -> Counted:
    seen = bytes(row["seen"]["B"]) if "seen" in row else b""
    digests = frozenset(seen[at : at + DIGEST_BYTES] for at in range(0, len(seen), DIGEST_BYTES))
    packed = bytes(row["packed"]["B"]) if "packed" in row else None
    start, _, page = row["start"]["S"].partition(SEPARATOR)
    return Counted(int(start), packed, digests, int(row["version"]["N"]), int(page or 0))


def _due_of(row: Raw) -> PendingRefresh:
    touched, since = frozenset(map(int, row["touched"]["SS"])), float(row["since"]["N"]) if "since" in row else 0.0
    return PendingRefresh(row["start"]["S"], touched, int(row["version"]["N"]), since)
