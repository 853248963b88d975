"""Store counters of the event stream, by arrival time.

A row of the finest level holds the counts of ten seconds together with the ids of the stream records that it counted,
so a repeated record changes nothing, even if the process was killed in between. Rows of coarser levels are sums of the
rows below; computing one again gives the same result.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pynamodb.attributes import BinaryAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.models import Model

from app.errors import Conflict
from app.storage.attributes import binary, number
from app.storage.database import Database, Raw, awaited
from app.storage.table import SEPARATOR, Table, key, shard

COUNTER_SHARDS = 8
"""Number of partitions that a project's writes are spread over."""
DUE_SHARDS = 4
SHARE_PARTITIONS = 256
"""One for each beginning of a digest in two hexadecimal digits."""
DUE, SHARES = "due", "shares"
FINEST = 10
"""Seconds that a row of the finest level covers."""
DIGEST_BYTES = 8
DAY = 86_400
KEPT_DAYS = 100
FINEST_KEPT_DAYS = 2
"""Longer than a day, after which the stream repeats no record."""
PAGE_BYTES = 32_000
"""Size at which a row of the finest level gets another page, because every write writes a whole page."""


class CounterRow(Model):
    class Meta:
        table_name = "counters"

    key = UnicodeAttribute(hash_key=True)
    """project#level, with #shard at the finest; project#shares#shard; #due#shard for the projects whose lists must be
    refreshed; #checkpoint#stream."""
    start = UnicodeAttribute(range_key=True)
    """Start of the row's time in seconds since 1970, with #page from the second page on; or the project to refresh;
    or the shard of a checkpoint; or the digest of a user."""
    packed = BinaryAttribute(legacy_encoding=False, null=True)
    shares = BinaryAttribute(legacy_encoding=False, null=True)
    """What a user has added to the counters within the window of the lists."""
    seen = BinaryAttribute(legacy_encoding=False, null=True)
    """Concatenated digests of the counted records' ids."""
    version = NumberAttribute(default=0)
    """Finest level: number of writes; coarser levels: sum of the versions below."""
    reached = UnicodeAttribute(null=True)
    """Checkpoints: the sequence number of the last applied record."""
    touched: UnicodeSetAttribute = UnicodeSetAttribute(null=True)
    """Pending refreshes: the seconds of the changed counters."""
    since = NumberAttribute(null=True)
    """Pending refreshes: when the first of them was scheduled, in seconds since 1970; None after a refresh."""
    expires_at = TTLAttribute(null=True)


@dataclass(frozen=True, slots=True)
class Counted:
    """A row, or a page of a row of the finest level."""

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
    """A project with lists older than its counters, and the times of the changed counters."""

    project: str
    touched: frozenset[int] = field(default_factory=frozenset)
    version: int = 0
    since: float | None = None
    """When it was first scheduled, in seconds since 1970; None if the lists were refreshed since."""


class CounterStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, CounterRow)
        self._submit = database.submit

    def pages(self, project: str, counter_shard: str, start: int) -> list[Counted]:
        """Returns the pages of a row of the finest level, in order."""
        return self._range(key(project, str(FINEST), counter_shard), start, start + FINEST)

    def put(self, project: str, counter_shard: str, row: Counted, now: float) -> None:
        """Writes a page of the finest level. Raises Conflict unless the stored version is the previous one."""
        unchanged = CounterRow.key.does_not_exist() if row.version == 1 else CounterRow.version == row.version - 1
        self._table.put(_row(key(project, str(FINEST), counter_shard), FINEST_KEPT_DAYS, row, now), unchanged)

    def put_sum(self, project: str, level: int, row: Counted, now: float) -> None:
        """Writes a row of a coarser level, unless a newer one is stored."""
        older = CounterRow.key.does_not_exist() | (CounterRow.version < row.version)
        with suppress(Conflict):
            self._table.put(_row(key(project, str(level)), KEPT_DAYS, row, now), older)

    def between(self, project: str, level: int, begin: int, end: int) -> list[Counted]:
        """Returns the rows of a level that start in [begin, end), from all shards."""
        if begin >= end:
            return []
        if level != FINEST:
            return self._range(key(project, str(level)), begin, end)
        shards = [f"{number:02d}" for number in range(COUNTER_SHARDS)]
        pending = [self._submit(self._range, key(project, str(level), number), begin, end) for number in shards]
        return [row for rows in pending for row in awaited(rows)]

    def _range(self, partition: str, begin: int, end: int) -> list[Counted]:
        condition = CounterRow.start.between(_start(begin), _start(end - 1) + SEPARATOR + "999")
        rows = self._table.query_all(partition, range_condition=condition, consistent=True)
        return [_counted(row) for row in rows]

    def shares(self, project: str, users: Sequence[str]) -> dict[str, bytes]:
        """Returns the packed shares of those of the users that have some, by their digests."""
        keys = [self._table.key(_shares_of(project, user), user) for user in users]
        packed = {row["start"]["S"]: binary(row, "shares") for row in self._table.get_keys(keys, consistent=True)}
        return {user: shares for user, shares in packed.items() if shares}

    def put_shares(self, project: str, changed: Mapping[str, bytes | None], expires_at: float) -> None:
        """Replaces the packed shares of users, by their digests; None deletes them."""
        expires = datetime.fromtimestamp(expires_at, UTC)
        self._table.write_many(
            [
                CounterRow(key=_shares_of(project, user), start=user, shares=packed, expires_at=expires)
                for user, packed in changed.items()
                if packed
            ],
            [self._table.key(_shares_of(project, user), user) for user, packed in changed.items() if not packed],
        )

    def schedule(self, project: str, touched: Sequence[int], now: float) -> None:
        """Schedules a refresh of a project's lists."""
        actions = [
            CounterRow.since.set(CounterRow.since | int(now)),
            CounterRow.touched.add({str(second) for second in touched}),
            CounterRow.version.add(1),
        ]
        self._table.update(_due(project), project, actions)

    def pending(self, project: str) -> PendingRefresh | None:
        row = self._table.get(_due(project), project, consistent=True)
        return _pending(row) if row else None

    def all_pending(self) -> list[PendingRefresh]:
        """Returns some of the pending refreshes; once they are complete, further calls return others."""
        partitions = [key("", DUE, f"{number:02d}") for number in range(DUE_SHARDS)]
        return [_pending(row) for partition in partitions for row in self._table.query(partition, consistent=True)[0]]

    def complete(self, refresh: PendingRefresh, remaining: AbstractSet[int] = frozenset()) -> None:
        """Deletes a pending refresh or keeps its `remaining` times, unless it was scheduled again."""
        same = CounterRow.version == refresh.version
        with suppress(Conflict):
            if remaining:
                touched = set(map(str, remaining))
                row = CounterRow(
                    key=_due(refresh.project), start=refresh.project, touched=touched, version=refresh.version + 1
                )
                self._table.put(row, same)
            else:
                self._table.delete(_due(refresh.project), refresh.project, same)


def partitions_of(project: str, levels: Sequence[int]) -> list[str]:
    """Returns all partitions of a project; `levels` are the coarser ones."""
    finest = [key(project, str(FINEST), f"{number:02d}") for number in range(COUNTER_SHARDS)]
    coarser = [key(project, str(level)) for level in levels]
    return [*finest, *coarser, *(key(project, SHARES, f"{number:02x}") for number in range(SHARE_PARTITIONS))]


def due_key(project: str) -> tuple[str, str]:
    """Returns the key of a project's pending refresh."""
    return _due(project), project


def _shares_of(project: str, user: str) -> str:
    return key(project, SHARES, user[:2])


def counter_shard_of(user_id: str) -> str:
    """Returns the shard that counts a user's events."""
    return shard(user_id, COUNTER_SHARDS)


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
    seen = binary(row, "seen") or b""
    digests = frozenset(seen[at : at + DIGEST_BYTES] for at in range(0, len(seen), DIGEST_BYTES))
    packed = binary(row, "packed")
    start, _, page = row["start"]["S"].partition(SEPARATOR)
    return Counted(int(start), packed, digests, int(row["version"]["N"]), int(page or 0))


def _pending(row: Raw) -> PendingRefresh:
    touched = frozenset(map(int, row["touched"]["SS"]))
    return PendingRefresh(row["start"]["S"], touched, int(row["version"]["N"]), number(row, "since"))
