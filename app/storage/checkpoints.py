"""Store the position of the local follower in each shard of the stream; on AWS, the event source mapping keeps it."""

from app.storage.counters import CounterRow
from app.storage.database import Database
from app.storage.table import Table, key

CHECKPOINT = "checkpoint"
ENDED = "ended"
"""Replaces the sequence number of a shard that was read to its end."""


class CheckpointStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, CounterRow)

    def all(self, stream: str) -> dict[str, str]:
        """Returns the sequence number reached in each shard."""
        rows, _ = self._table.query(key("", CHECKPOINT, stream), consistent=True)
        return {row["start"]["S"]: row["reached"]["S"] for row in rows}

    def put(self, stream: str, shard_id: str, reached: str) -> None:
        self._table.write_many([CounterRow(key=key("", CHECKPOINT, stream), start=shard_id, reached=reached)])
