"""Store the shared state of rate limits: one token bucket per key, from which instances take leases."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app import clock
from app.storage.database import Database, Raw
from app.storage.table import Table, key

KEPT = timedelta(days=2)


class BucketRow(Model):
    class Meta:
        table_name = "buckets"

    key = UnicodeAttribute(hash_key=True)
    """project#credential."""
    full_at = NumberAttribute()
    """Time at which the bucket is full again, in microseconds since 1970 (GCRA's theoretical arrival time)."""
    day = UnicodeAttribute()
    used = NumberAttribute()
    """Used part of the day's quota, including leased tokens."""
    expires_at = TTLAttribute()


@dataclass(frozen=True, slots=True)
class Bucket:
    """The state of a key's bucket and daily quota."""

    full_at: int = 0
    day: str = ""
    used: int = 0


class BucketStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, BucketRow)

    def get(self, project: str, credential: str) -> Bucket | None:
        row = self._table.get(key(project, credential), consistent=True)
        return _bucket(row) if row else None

    def get_many(self, project: str, credentials: Iterable[str]) -> dict[str, Bucket]:
        """Returns those of the credentials' buckets that exist, as of a moment ago."""
        by_key = {key(project, credential): credential for credential in credentials}
        return {by_key[row["key"]["S"]]: _bucket(row) for row in self._table.get_many(list(by_key))}

    def put(self, project: str, credential: str, bucket: Bucket, expected: Bucket | None) -> None:
        """Writes a bucket. Raises Conflict if it has changed since `expected` was read."""
        untouched = (
            BucketRow.key.does_not_exist()
            if expected is None
            else (BucketRow.full_at == expected.full_at)
            & (BucketRow.day == expected.day)
            & (BucketRow.used == expected.used)
        )
        row = BucketRow(
            key=key(project, credential),
            full_at=bucket.full_at,
            day=bucket.day,
            used=bucket.used,
            expires_at=clock.now() + KEPT,
        )
        self._table.put(row, untouched)


def _bucket(row: Raw) -> Bucket:
    return Bucket(int(row["full_at"]["N"]), row["day"]["S"], int(row["used"]["N"]))
