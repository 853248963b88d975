"""Follows DynamoDB Local's stream of events, as Lambda's event source mapping does in the cloud."""

from collections.abc import Callable, Iterator, Sequence
from threading import Condition, Thread
from time import monotonic, sleep
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from app import telemetry
from app.config import Settings
from app.entry.stream import Consumer, Record
from app.storage.aws import client
from app.storage.checkpoints import ENDED, CheckpointStore
from app.storage.database import bounded
from app.storage.events import EventRow
from app.telemetry import RequestLog

BATCH = 1_000
IDLE_SECONDS, LONGEST_SECONDS = 0.2, 10.0
"""Times between two looks for records: just after a write, and at most."""
CALM_SECONDS = 60.0
PATIENCE = 10.0
"""Without a write for 20 s, records are looked for after a pause of 2 s."""
BURST_SECONDS = 0.25
"""Wait after the first record of a burst, so that the whole burst makes one push."""
ERROR_SECONDS = 1.0
SHARDS_SECONDS = 60.0
READ_TIMEOUT_SECONDS = 60
TICK_SECONDS = 1.0
"""Least time between two ticks."""
TRIMMED = "TrimmedDataAccessException"
GONE = (TRIMMED, "ResourceNotFoundException")
OUTDATED = (TRIMMED, "ExpiredIteratorException")
"""Errors of an iterator; DynamoDB Local raises the first after the first record of a stream that was empty."""


class Pace:
    """How often to look for something to do: often after a write of this process, ever less while nothing happens."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._active_at = monotonic()
        self.has_ended = False

    def wake(self) -> None:
        """Ends pauses: something was written."""
        with self._changed:
            self._active_at = monotonic()
            self._changed.notify_all()

    @property
    def is_calm(self) -> bool:
        """Whether nothing was written for a while."""
        return monotonic() - self._active_at > CALM_SECONDS

    def end(self) -> None:
        """Ends pauses for good."""
        self.has_ended = True
        self.wake()

    def pause(self, least: float) -> None:
        """Waits for a tenth of the time since the last write, at most until the next one, but at least so long."""
        begun = monotonic()
        with self._changed:
            longest = min(LONGEST_SECONDS, (begun - self._active_at) / PATIENCE)
            self._changed.wait_for(lambda: self.has_ended or self._active_at > begun, max(least, longest))
            self._changed.wait_for(lambda: self.has_ended, least - (monotonic() - begun))


class Follower:
    """Reads all shards of the stream, parents before children, each from its checkpoint."""

    def __init__(
        self,
        settings: Settings,
        checkpoints: CheckpointStore,
        consumer: Consumer,
        tick: Callable[[], object],
        pace: Pace | None = None,
    ) -> None:
        """`tick` is called at most once a second, and as seldom as the pace allows."""
        self._checkpoints, self._consumer, self._tick = checkpoints, consumer, tick
        self._pace = pace or Pace()
        self._streams = _client("dynamodbstreams", settings)
        self._tables = _client("dynamodb", settings)
        self._stream = ""
        self._iterators: dict[str, str] = {}
        """The iterators of the shards being read."""
        self._refresh_at = self._tick_at = 0.0
        self._thread = Thread(target=self._run, name="stream", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops after the current batch."""
        self._pace.end()
        self._thread.join()

    def _run(self) -> None:
        while not self._pace.has_ended:
            try:
                with bounded():
                    applied = self.step()
                if monotonic() >= self._tick_at:
                    self._tick()
                    self._tick_at = monotonic() + TICK_SECONDS
                if applied:
                    self._pace.wake()
                else:
                    self._pace.pause(IDLE_SECONDS)
            except Exception as error:  # noqa: BLE001 - for example, the database is down: try again
                telemetry.log_failure(RequestLog(route="stream"), error)
                self._iterators.clear()
                self._refresh_at = 0.0
                self._pace.pause(ERROR_SECONDS)

    def step(self) -> int:
        """Applies the new records of every readable shard; returns how many."""
        if monotonic() >= self._refresh_at:
            self._open_shards()
        return sum(self._follow(shard_id, iterator) for shard_id, iterator in list(self._iterators.items()))

    def _open_shards(self) -> None:
        """Starts reading the shards whose parents have been read to the end."""
        if not self._stream:
            described = self._tables.describe_table(TableName=EventRow.Meta.table_name)
            self._stream = described["Table"]["LatestStreamArn"]
        checkpoints = self._checkpoints.all(self._stream)
        parents = {shard["ShardId"]: str(shard.get("ParentShardId")) for shard in self._shards()}
        for shard_id, parent in parents.items():
            ready = parent not in parents or checkpoints.get(parent) == ENDED
            if ready and shard_id not in self._iterators and checkpoints.get(shard_id) != ENDED:
                self._iterators[shard_id] = self._iterator(shard_id, checkpoints.get(shard_id))
        self._refresh_at = monotonic() + SHARDS_SECONDS

    def _shards(self) -> Iterator[dict[str, Any]]:
        start: dict[str, str] = {}
        while True:
            page = self._streams.describe_stream(StreamArn=self._stream, **start)["StreamDescription"]
            yield from page["Shards"]
            if "LastEvaluatedShardId" not in page:
                return
            start = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}

    def _follow(self, shard_id: str, iterator: str) -> int:
        """Applies a shard's next records and moves its checkpoint; returns how many."""
        try:
            records, following = self._read(iterator)
        except ClientError as error:
            if error.response["Error"]["Code"] not in OUTDATED:
                raise
            self._iterators[shard_id] = self._iterator(shard_id, self._checkpoints.all(self._stream).get(shard_id))
            return 0
        if records and following and len(records) < BATCH:
            sleep(BURST_SECONDS)
            more, following = self._read(following)
            records = [*records, *more]
        failed = self._consumer.apply(records) if records else None
        order = [str(record["dynamodb"]["SequenceNumber"]) for record in records]
        done = len(order) if failed is None else order.index(failed)
        if done:
            self._checkpoints.put(self._stream, shard_id, order[done - 1])
        if failed is not None:  # read again from the checkpoint, after a pause
            del self._iterators[shard_id]
            self._refresh_at = monotonic() + ERROR_SECONDS
        elif following is not None:
            self._iterators[shard_id] = following
        else:
            self._checkpoints.put(self._stream, shard_id, ENDED)
            del self._iterators[shard_id]
            self._refresh_at = monotonic()
        return len(records)

    def _iterator(self, shard_id: str, checkpoint: str | None) -> str:
        kind = {"ShardIteratorType": "TRIM_HORIZON"}
        if checkpoint is not None:
            kind = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": checkpoint}
        try:
            return self._get_iterator(shard_id, kind)
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            return self._get_iterator(shard_id, {"ShardIteratorType": "TRIM_HORIZON"})

    def _get_iterator(self, shard_id: str, kind: dict[str, str]) -> str:
        response = self._streams.get_shard_iterator(StreamArn=self._stream, ShardId=shard_id, **kind)
        return str(response["ShardIterator"])

    def _read(self, iterator: str) -> tuple[Sequence[Record], str | None]:
        response = self._streams.get_records(ShardIterator=iterator, Limit=BATCH)
        return response["Records"], response.get("NextShardIterator")


def _client(service: str, settings: Settings) -> BaseClient:
    return client(
        service,
        settings.region,
        read_timeout_seconds=READ_TIMEOUT_SECONDS,
        endpoint=settings.endpoint,
        access_key=("local", "local"),  # DynamoDB Local accepts any
    )
