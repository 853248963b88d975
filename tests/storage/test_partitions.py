"""5,000 events a second exceed no partition's throughput, measured on simulated time.

The real code's calls to DynamoDB Local are recorded; the size of their rows gives their cost by DynamoDB's rules.
"""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from math import ceil
from random import Random
from typing import Any
from zlib import crc32

import orjson
import pytest

from app import clock
from app.config import Settings
from app.domain.access import Limits
from app.domain.events import Event
from app.entry.stream import Consumer
from app.storage.admin import schema
from app.storage.pynamo import schema_of
from app.storage.wire import rows
from app.wiring import Wired
from tests.support.builders import wired_on
from tests.support.calls import surround
from tests.support.stream_records import NoSockets, a_record

PER_SECOND, SECONDS = 5_000, 2
USERS, ITEMS = 100_000, 20_000
STREAM_SHARDS = 8
A_REQUEST = 500
MOST_WRITTEN, MOST_READ = 1_000, 3_000

Partition = tuple[str, str, str]
"""Table, index ("" for the table itself), value of the partition key."""


class Meter:
    """Capacity units by partition and simulated second."""

    def __init__(self) -> None:
        self.second = 0
        self.written: Counter[tuple[int, Partition]] = Counter()
        self.read: Counter[tuple[int, Partition]] = Counter()
        self._hash = {model.Meta.table_name: _hash_of(schema_of(model)["key_schema"]) for model in schema.MODELS}
        self._indexes = {
            model.Meta.table_name: [
                (index["index_name"], _hash_of(index["key_schema"]))
                for index in schema_of(model)["global_secondary_indexes"]
            ]
            for model in schema.MODELS
        }

    def around(  # noqa: C901 - one case an operation
        self, operation: str, sent: dict[str, Any], call: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        request, answer = orjson.loads(rows.encode(sent)), call()
        match operation:
            case "BatchWriteItem":
                for table, entries in request["RequestItems"].items():
                    for entry in entries:
                        self._write(table, entry["PutRequest"]["Item"])
            case "PutItem":
                self._write(request["TableName"], request["Item"])
            case "UpdateItem" | "DeleteItem":
                self._write(request["TableName"], request["Key"])
            case "GetItem":
                table = request["TableName"]
                self._read((table, "", self._value(table, request["Key"])), [answer.get("Item", {})], request)
            case "BatchGetItem":
                for table, wanted in request["RequestItems"].items():
                    stored = {self._value(table, row): row for row in answer["Responses"].get(table, [])}
                    for value in (self._value(table, key) for key in wanted["Keys"]):
                        self._read((table, "", value), [stored.get(value, {})], wanted)
            case "Query":
                value = str(next(iter(request["ExpressionAttributeValues"].values())))
                self._read((request["TableName"], request.get("IndexName", ""), value), answer["Items"], request)
            case name:
                raise AssertionError(f"{name} is not measured")
        return answer

    def _value(self, table: str, row: Mapping[str, Any]) -> str:
        return str(row[self._hash[table]])

    def _write(self, table: str, row: Mapping[str, Any]) -> None:
        units = max(1, ceil(_size(row) / 1_024))
        self.written[self.second, (table, "", self._value(table, row))] += units
        for index, attribute in self._indexes[table]:
            if attribute in row:
                self.written[self.second, (table, index, str(row[attribute]))] += units

    def _read(self, partition: Partition, rows: list[Any], request: Mapping[str, Any]) -> None:
        units = max(1, ceil(sum(map(_size, rows)) / 4_096))
        self.read[self.second, partition] += units if request.get("ConsistentRead") else ceil(units / 2)


def _hash_of(schema: Any) -> str:
    return str(next(column["AttributeName"] for column in schema if column["KeyType"] == "HASH"))


def _size(row: Mapping[str, Any]) -> int:
    """Size of a row as JSON: at least what DynamoDB counts, because binary values grow by a third."""
    return len(orjson.dumps(row, default=lambda value: "x" * len(bytes(value))))


@pytest.fixture
def metered(settings: Settings) -> Iterator[tuple[Wired, Meter]]:
    wired = wired_on(settings.model_copy(update={"lists_seconds": 30.0}))
    wired.services.projects.create(settings.project, None, Limits())
    meter = Meter()
    surround(wired.database, meter.around)
    yield wired, meter
    wired.close()


def zipf(size: int) -> list[float]:
    """Cumulative weights of ranks 1 to n; the weight of a rank is its reciprocal."""
    return list(accumulate(1 / rank for rank in range(1, size + 1)))


def a_second(random: Random, users: list[float], items: list[float], begins: datetime) -> list[Event]:
    events = []
    for number in range(PER_SECOND):
        user = bisect(users, random.random() * users[-1])
        item = bisect(items, random.random() * items[-1])
        at = begins + timedelta(seconds=number / PER_SECOND)
        events.append(Event(f"u{user}", f"i{item}", "view", at, f"e{number}"))
    return events


class TestFiveThousandEventsASecond:
    def test_no_partition_exceeds_its_throughput_in_any_second(
        self, metered: tuple[Wired, Meter], settings: Settings
    ) -> None:
        (wired, meter), random = metered, Random(1)
        users, items = zipf(USERS), zipf(ITEMS)
        consumer = Consumer(wired.services, NoSockets())
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=30)
        for second in range(SECONDS):
            meter.second = second
            at = start + timedelta(seconds=second)
            events = a_second(random, users, items, at)
            with clock.frozen(at, b"seed"):
                for first in range(0, PER_SECOND, A_REQUEST):
                    wired.services.events.accept(settings.project, events[first : first + A_REQUEST])
                shards: dict[int, list[Any]] = defaultdict(list)
                for event in events:
                    record = a_record(settings.project, event, arrived=at, name=f"{second}-{event.event_id}")
                    shards[crc32(event.user_id.encode()) // 7 % STREAM_SHARDS].append(record)
                for records in shards.values():
                    assert consumer.apply(records) is None

        assert hottest(meter.written)[1] <= MOST_WRITTEN, hottest(meter.written)
        assert hottest(meter.read)[1] <= MOST_READ, hottest(meter.read)
        tables = Counter[str]()
        for (_, (table, index, _)), units in meter.written.items():
            tables[table + index] += units
        assert tables["serendip-events"] >= PER_SECOND * SECONDS
        assert min(tables["serendip-counters"], tables["serendip-lists"]) > 0


def hottest(units: Counter[tuple[int, Partition]]) -> tuple[tuple[int, Partition], int]:
    return max(units.items(), key=lambda entry: entry[1])
