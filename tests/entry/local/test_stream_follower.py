"""The local stream follower resumes at its checkpoint, follows splits and reads parents first."""

from collections.abc import Iterator, Sequence
from functools import partial
from time import monotonic, sleep
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.config import Settings
from app.entry import schedule
from app.entry.local.stream_follower import Follower, Pace
from app.entry.stream import Consumer
from app.storage.checkpoints import ENDED, CheckpointStore
from app.wiring import Wired
from tests.support.builders import a_project, an_event, until, wired_on
from tests.support.stream_records import NoSockets, a_record

LONGEST_SECONDS = 60.0
"""The longest pause of a follower that waits; a busy machine takes seconds to deliver a record without any."""
TRIMMED = "000"
"""A sequence number that is no longer in the stream."""


@pytest.fixture
def alone(own: Settings) -> Iterator[Wired]:
    """Services over tables whose stream holds only this test's events."""
    wired = wired_on(own)
    a_project(wired, "p")
    yield wired
    wired.close()


class Recorder(Consumer):
    """Records the items it receives, and can refuse one."""

    def __init__(self, wired: Wired) -> None:
        super().__init__(wired.services, NoSockets())
        self.items: list[str] = []
        self.refuses: str | None = None

    def apply(self, records: Sequence[Any]) -> str | None:
        for record in records:
            row = record["dynamodb"].get("NewImage", {})
            if "item_id" not in row:
                continue
            if row["item_id"]["S"] == self.refuses:
                return str(record["dynamodb"]["SequenceNumber"])
            self.items.append(row["item_id"]["S"])
        return None


def follower(wired: Wired, consumer: Consumer) -> Follower:
    services = wired.services
    return Follower(
        services.settings, CheckpointStore(wired.database), consumer, partial(schedule.refresh_overdue_lists, services)
    )


def send(wired: Wired, *items: str) -> None:
    for item in items:
        wired.services.events.accept("p", [an_event("ann", item)])


class TestFollower:
    def test_a_follower_resumes_where_the_previous_one_stopped(self, alone: Wired) -> None:
        first, second = Recorder(alone), Recorder(alone)
        send(alone, "a", "b")
        follower(alone, first).step()
        send(alone, "c")

        follower(alone, second).step()

        assert (first.items, second.items) == (["a", "b"], ["c"])

    def test_the_first_record_of_a_stream_that_was_followed_while_empty_is_no_failure(self, alone: Wired) -> None:
        consumer = Recorder(alone)
        stream_follower = follower(alone, consumer)
        stream_follower.step()
        send(alone, "a")

        for _ in range(2):
            stream_follower.step()

        assert consumer.items == ["a"]

    def test_a_follower_without_work_waits_until_this_process_writes(
        self, alone: Wired, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.entry.local.stream_follower.PATIENCE", 0.01)
        monkeypatch.setattr("app.entry.local.stream_follower.LONGEST_SECONDS", LONGEST_SECONDS)
        consumer, pace, looks = Recorder(alone), Pace(), []
        following = Follower(
            alone.services.settings,
            CheckpointStore(alone.database),
            consumer,
            lambda: looks.append(monotonic()),
            pace,
        )
        following.start()  # after half a second, its pauses are the longest
        until(lambda: bool(looks))
        sleep(2.5)
        assert len(looks) == 1  # a tick a second otherwise

        alone.database.on_write = pace.wake
        sent = monotonic()
        send(alone, "a")
        until(lambda: consumer.items == ["a"])
        ended = monotonic()
        following.stop()

        assert ended - sent < LONGEST_SECONDS / 2
        assert monotonic() - ended < LONGEST_SECONDS / 2

    def test_refused_records_are_delivered_again_without_earlier_ones(self, alone: Wired) -> None:
        consumer = Recorder(alone)
        consumer.refuses = "b"
        send(alone, "a", "b", "c")
        follower(alone, consumer).step()
        assert consumer.items == ["a"]

        consumer.refuses = None
        follower(alone, consumer).step()

        assert consumer.items == ["a", "b", "c"]

    def test_a_follower_with_a_trimmed_checkpoint_starts_at_the_oldest_record(self, alone: Wired) -> None:
        consumer, stream = Recorder(alone), Split()
        stream_follower = follower(alone, consumer)
        stream_follower._streams = stream  # noqa: SLF001
        stream_follower._open_shards()  # noqa: SLF001
        CheckpointStore(alone.database).put(stream_follower._stream, "parent", TRIMMED)  # noqa: SLF001
        stream_follower._iterators.clear()  # noqa: SLF001
        stream_follower._refresh_at = 0.0  # noqa: SLF001

        stream_follower.step()

        assert consumer.items == ["old"]

    def test_children_of_a_split_wait_for_their_parent(self, alone: Wired) -> None:
        """DynamoDB Local takes minutes to split a shard, so a fake stream delivers real records."""
        stream = Split()
        consumer = Recorder(alone)
        stream_follower = follower(alone, consumer)
        stream_follower._streams = stream  # noqa: SLF001

        for _ in range(4):
            stream_follower.step()
            stream_follower._refresh_at = 0.0  # noqa: SLF001

        assert consumer.items[0] == "old"
        assert sorted(consumer.items[1:]) == ["left", "right"]
        checkpoints = CheckpointStore(alone.database).all(stream_follower._stream)  # noqa: SLF001
        assert checkpoints["parent"] == ENDED
        assert set(checkpoints) == {"parent", "left", "right"}


class Split:
    """A fake stream whose only shard was split in two."""

    def __init__(self) -> None:
        self._records = {
            "parent": [a_record("p", an_event("ann", "old"))],
            "left": [a_record("p", an_event("ann", "left"))],
            "right": [a_record("p", an_event("bob", "right"))],
        }

    def describe_stream(self, **start: str) -> dict[str, Any]:
        """Returns two pages, the children first."""
        if "ExclusiveStartShardId" in start:
            return {"StreamDescription": {"Shards": [{"ShardId": "parent", "ParentShardId": "trimmed"}]}}
        children = [{"ShardId": name, "ParentShardId": "parent"} for name in ("left", "right")]
        return {"StreamDescription": {"Shards": children, "LastEvaluatedShardId": "right"}}

    def get_shard_iterator(self, **request: str) -> dict[str, str]:
        after = request.get("SequenceNumber", "")
        if after == TRIMMED:
            raise ClientError({"Error": {"Code": "TrimmedDataAccessException"}}, "GetShardIterator")
        return {"ShardIterator": f"{request['ShardId']}/{after}"}

    def get_records(self, **request: Any) -> dict[str, Any]:
        shard, _, after = request["ShardIterator"].partition("/")
        records = [record for record in self._records[shard] if record["dynamodb"]["SequenceNumber"] > after]
        if records:
            return {"Records": records, "NextShardIterator": f"{shard}/{records[-1]['dynamodb']['SequenceNumber']}"}
        ended = {} if shard == "parent" else {"NextShardIterator": request["ShardIterator"]}
        return {"Records": [], **ended}
