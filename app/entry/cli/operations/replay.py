"""Batches of the stream that Lambda dropped after all retries: a queue names them, the stream keeps them for a day."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from app.config import Settings
from app.entry.stream import Record
from app.storage.aws import client

QUEUE = "lost-batches"
AT_ONCE = 10
HIDDEN_SECONDS = 300
"""Time in which a batch that fails again is not received again, so that one replay ends."""
PAGE = 1_000
GONE = {"TrimmedDataAccessException", "ResourceNotFoundException"}


@dataclass
class Outcome:
    batches: int = 0
    records: int = 0
    """Records that were applied."""
    failed: int = 0
    """Batches that could not be applied now either; they stay in the queue."""
    gone: int = 0
    """Batches that the stream no longer holds, after 24 hours."""


class LostBatches:
    def __init__(self, settings: Settings, apply: Callable[[Sequence[Record]], str | None]) -> None:
        """`apply` returns None if it applied all records."""
        self._apply = apply
        self._queues = client("sqs", settings.region, read_timeout_seconds=30)
        self._streams = client("dynamodbstreams", settings.region, read_timeout_seconds=30)
        self._name = settings.table_prefix + QUEUE

    def replay(self) -> Outcome:
        """Applies all batches and removes them from the queue, which ends its alarm."""
        outcome = Outcome()
        queue = self._queues.get_queue_url(QueueName=self._name)["QueueUrl"]
        receiving = {"MaxNumberOfMessages": AT_ONCE, "VisibilityTimeout": HIDDEN_SECONDS, "WaitTimeSeconds": 1}
        while messages := self._queues.receive_message(QueueUrl=queue, **receiving).get("Messages"):
            for message in messages:
                if self._settle(json.loads(message["Body"])["DDBStreamBatchInfo"], outcome):
                    self._queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return outcome

    def _settle(self, batch: Mapping[str, Any], outcome: Outcome) -> bool:
        """Applies a batch; returns whether it can be forgotten."""
        outcome.batches += 1
        try:
            records = self._records(batch)
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            outcome.gone += 1
            return True
        if self._apply(records) is not None:
            outcome.failed += 1
            return False
        outcome.records += len(records)
        return True

    def _records(self, batch: Mapping[str, Any]) -> list[Record]:
        """Reads the records of a batch again."""
        last, records = int(batch["endSequenceNumber"]), list[Record]()
        iterator = self._streams.get_shard_iterator(
            StreamArn=batch["streamArn"],
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
        while iterator:
            page = self._streams.get_records(ShardIterator=iterator, Limit=PAGE)
            inside = [record for record in page["Records"] if _sequence(record) <= last]
            records += inside
            ends = len(inside) < len(page["Records"]) or (inside and _sequence(inside[-1]) == last)
            iterator = None if ends else page.get("NextShardIterator")
        return records


def _sequence(record: Record) -> int:
    return int(record["dynamodb"]["SequenceNumber"])
