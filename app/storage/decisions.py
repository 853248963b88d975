"""Answers that were kept, as they were given, to be looked at later."""

from collections.abc import Callable, Sequence
from datetime import datetime
from zlib import compress, decompress

from pynamodb.attributes import BinaryAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.storage.database import Database
from app.storage.table import Table, is_expired, key

ERASED_AT_ONCE = 100


class DecisionRow(Model):
    class Meta:
        table_name = "decisions"

    owner = UnicodeAttribute(hash_key=True)
    """project#digest of whom it was for."""
    decision_id = UnicodeAttribute(range_key=True)
    answer = BinaryAttribute(legacy_encoding=False)
    """Its JSON, compressed."""
    expires_at = TTLAttribute()


class DecisionStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, DecisionRow)

    def put(self, project: str, owner: str, decision_id: str, answer: bytes, expires_at: datetime) -> None:
        row = DecisionRow(
            owner=key(project, owner), decision_id=decision_id, answer=compress(answer), expires_at=expires_at
        )
        self._table.put(row)

    def get(self, project: str, owner: str, decision_id: str) -> bytes | None:
        row = self._table.get(key(project, owner), decision_id, consistent=True)
        return None if row is None or is_expired(row) else decompress(bytes(row["answer"]["B"]))

    def erase_some(self, project: str, owner: str, tell: Callable[[Sequence[str]], object] = lambda _: None) -> int:
        """Remove up to a page of what was kept for somebody; returns how many, 0 when there is nothing left.

        `tell` gets their ids before they are removed.
        """
        rows, _ = self._table.query(
            key(project, owner), limit=ERASED_AT_ONCE, consistent=True, attributes=("owner", "decision_id")
        )
        tell([row["decision_id"]["S"] for row in rows])
        self._table.write_many([], rows)
        return len(rows)
