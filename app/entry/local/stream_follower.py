"""Follows DynamoDB Local's stream of events in this process: what the event source mapping does in the cloud."""

from collections.abc import Callable, Iterator, Sequence
from threading import Event as Signal
from threading import Thread
from time import monotonic
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.session import get_session

from app import telemetry
from app.config import Settings
from app.entry.stream import Consumer, Record
from app.storage.checkpoints import ENDED, CheckpointStore
from app.storage.events import EventRow
from app.telemetry import RequestLog

BATCH = 1_000
IDLE_SECONDS = 0.2
GATHER_SECONDS = 0.25
"""After the first record of a burst, for the rest of it: one push for all."""
TROUBLE_SECONDS = 1.0
SHARDS_SECONDS = 5.0
TICK_SECONDS = 1.0
"""Between two looks for what is due."""
GONE = ("TrimmedDataAccessException", "ResourceNotFoundException")


class Follower:
    """Reads all shards of the stream, parents before children, each from its checkpoint on."""

    def __init__(
        self, settings: Settings, checkpoints: CheckpointStore, consumer: Consumer, tick: Callable[[], object]
    ) -> None:
        """`tick` is called about once a second."""
        self._checkpoints, self._consumer, self._tick = checkpoints, consumer, tick
        self._streams: BaseClient = _client("dynamodbstreams", settings)
        self._tables: BaseClient = _client("dynamodb", settings)
        self._stream = ""
        self._iterators: dict[str, str] = {}
        """Of the shards that are being read."""
        self._look_again_at = self._tick_at = 0.0
        self._stop = Signal()
        self._thread = Thread(target=self._run, name="stream", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the batch at hand is done."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                worked = self.step()
                if monotonic() >= self._tick_at:
                    self._tick()
                    self._tick_at = monotonic() + TICK_SECONDS
                if not worked:
                    self._stop.wait(IDLE_SECONDS)
            except Exception as error:  # noqa: BLE001 - the database is away, say: go on when it is back
                telemetry.tell_failure(RequestLog(route="stream"), error)
                self._iterators.clear()
                self._look_again_at = 0.0
                self._stop.wait(TROUBLE_SECONDS)

    def step(self) -> int:
        """Apply what is new in every shard that can be read now; returns how many records that were."""
        if monotonic() >= self._look_again_at:
            self._open_shards()
        return sum(self._follow(shard_id, iterator) for shard_id, iterator in list(self._iterators.items()))

    def _open_shards(self) -> None:
        """Begin to read the shards that are not read yet and whose parents were read to their end."""
        if not self._stream:
            described = self._tables.describe_table(TableName=EventRow.Meta.table_name)
            self._stream = described["Table"]["LatestStreamArn"]
        reached = self._checkpoints.all(self._stream)
        parents = {shard["ShardId"]: str(shard.get("ParentShardId")) for shard in self._shards()}
        for shard_id, parent in parents.items():
            ready = parent not in parents or reached.get(parent) == ENDED
            if ready and shard_id not in self._iterators and reached.get(shard_id) != ENDED:
                self._iterators[shard_id] = self._iterator(shard_id, reached.get(shard_id))
        self._look_again_at = monotonic() + SHARDS_SECONDS

    def _shards(self) -> Iterator[dict[str, Any]]:
        start: dict[str, str] = {}
        while True:
            page = self._streams.describe_stream(StreamArn=self._stream, **start)["StreamDescription"]
            yield from page["Shards"]
            if "LastEvaluatedShardId" not in page:
                return
            start = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}

    def _follow(self, shard_id: str, iterator: str) -> int:
        """Apply what a shard brings next, and move its checkpoint; returns how many records that were."""
        records, following = self._read(iterator)
        if records and following and len(records) < BATCH:
            self._stop.wait(GATHER_SECONDS)
            more, following = self._read(following)
            records = [*records, *more]
        failed = self._consumer.apply(records) if records else None
        order = [str(record["dynamodb"]["SequenceNumber"]) for record in records]
        done = len(order) if failed is None else order.index(failed)
        if done:
            self._checkpoints.put(self._stream, shard_id, order[done - 1])
        if failed is not None:  # from the checkpoint on, after a while
            del self._iterators[shard_id]
            self._look_again_at = monotonic() + TROUBLE_SECONDS
        elif following is not None:
            self._iterators[shard_id] = following
        else:
            self._checkpoints.put(self._stream, shard_id, ENDED)
            del self._iterators[shard_id]
            self._look_again_at = monotonic()
        return len(records)

    def _iterator(self, shard_id: str, reached: str | None) -> str:
        kind = {"ShardIteratorType": "TRIM_HORIZON"}
        if reached is not None:
            kind = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": reached}
        try:
            return self._get_iterator(shard_id, kind)
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            return self._get_iterator(shard_id, {"ShardIteratorType": "TRIM_HORIZON"})

    def _get_iterator(self, shard_id: str, kind: dict[str, str]) -> str:
        found = self._streams.get_shard_iterator(StreamArn=self._stream, ShardId=shard_id, **kind)
        return str(found["ShardIterator"])

    def _read(self, iterator: str) -> tuple[Sequence[Record], str | None]:
        answer = self._streams.get_records(ShardIterator=iterator, Limit=BATCH)
        return answer["Records"], answer.get("NextShardIterator")


def _client(service: str, settings: Settings) -> BaseClient:
    return get_session().create_client(
        service,
        settings.region,
        endpoint_url=settings.endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - DynamoDB Local takes any
    )
