"""Store the responses of requests with an Idempotency-Key, for a day."""

from dataclasses import dataclass
from datetime import datetime

from pynamodb.attributes import BinaryAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app import clock
from app.storage.attributes import TimestampAttribute, binary, expiry, integer
from app.storage.database import Database
from app.storage.table import Table, is_expired, key, moment


class IdempotencyRow(Model):
    class Meta:
        table_name = "idempotency"

    key = UnicodeAttribute(hash_key=True)
    """project#hash of the credential and its Idempotency-Key."""
    request = UnicodeAttribute()
    claimed_until = TimestampAttribute()
    """Until then, the process that claimed the request is presumed alive."""
    first_at = TimestampAttribute()
    nonce = UnicodeAttribute()
    status = NumberAttribute(null=True)
    answer = BinaryAttribute(legacy_encoding=False, null=True)
    expires_at = TTLAttribute()


@dataclass(frozen=True, slots=True)
class Claim:
    """A request in progress or completed, with what a repetition needs to have the same effect."""

    name: str
    request: str
    claimed_until: datetime
    first_at: datetime
    nonce: str
    expires_at: datetime
    status: int | None = None
    answer: bytes | None = None


class IdempotencyStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, IdempotencyRow)

    def get(self, project: str, name: str) -> Claim | None:
        """Returns the claim, or None if there is none or it has expired."""
        row = self._table.get(key(project, name), consistent=True)
        if row is None or is_expired(row):
            return None
        return Claim(
            name=name,
            request=row["request"]["S"],
            claimed_until=moment(row["claimed_until"]["S"]),
            first_at=moment(row["first_at"]["S"]),
            nonce=row["nonce"]["S"],
            expires_at=expiry(row),
            status=integer(row, "status"),
            answer=binary(row, "answer"),
        )

    def put(self, project: str, claim: Claim, expected: Claim | None) -> None:
        """Writes a claim. Raises Conflict if it has changed since `expected` was read; an expired one is replaced."""
        untouched = (
            IdempotencyRow.key.does_not_exist() | (IdempotencyRow.expires_at <= clock.now())
            if expected is None
            else (IdempotencyRow.claimed_until == expected.claimed_until) & IdempotencyRow.status.does_not_exist()
        )
        self._table.put(
            IdempotencyRow(
                key=key(project, claim.name),
                request=claim.request,
                claimed_until=claim.claimed_until,
                first_at=claim.first_at,
                nonce=claim.nonce,
                status=claim.status,
                answer=claim.answer,
                expires_at=claim.expires_at,
            ),
            untouched,
        )

    def delete(self, project: str, name: str) -> None:
        self._table.write_many([], [self._table.key(key(project, name))])
