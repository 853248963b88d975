"""How far the local follower got in each shard of the stream; in the cloud the event source mapping keeps that."""

from app.storage.counters import CounterRow
from app.storage.database import Database
from app.storage.table import Table, key

CHECKPOINT = "checkpoint"
ENDED = "ended"
"""In the place of a sequence number, of a shard that was read to its end."""


class CheckpointStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, CounterRow)

    def all(self, stream: str) -> dict[str, str]:
        """Sequence numbers by shard."""
        rows, _ = self._table.query(key("", CHECKPOINT, stream), consistent=True)
        return {row["start"]["S"]: row["reached"]["S"] for row in rows}

    def put(self, stream: str, shard_id: str, reached: str) -> None:
        self._table.write_many([CounterRow(key=key("", CHECKPOINT, stream), start=shard_id, reached=reached)])
