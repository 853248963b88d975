"""Monthly costs of two shops: units, times and log bytes of each kind of invocation, at the true rate of requests.

The time between requests passes on a clock that is set forward, so caches and windows behave as in production.
"""

import heapq
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any
from uuid import UUID

import orjson
from mangum import Mangum

from app.api.application import create_application
from app.clock import now
from app.domain.access import Scope
from app.domain.events import Event
from app.domain.items import Item
from app.entry import schedule
from app.entry.cli.operations import cost_model
from app.entry.cli.operations.cost_model import (
    RecordedUnits,
    Traffic,
    Training,
    WithEvents,
)
from app.entry.stream import Consumer
from app.recommender import counts
from app.recommender.counts import FINE_SECONDS
from app.services.counters.rollups import HOUR, MOST_BYTES
from app.storage.counters import DAY, Counted, CounterStore
from app.storage.events import EventRow, EventStore
from app.storage.objects import FolderFileStore
from app.storage.packed_events import QUIET, PackedEvents
from app.storage.selecting import Retention
from app.storage.table import SEPARATOR
from app.telemetry import WRITES
from app.wiring import Wired
from tests.bench import latency, synthetic
from tests.bench.cost_recorder import RECOMMENDATIONS, Recorder, Taken, recording
from tests.bench.latency import PROJECT
from tests.support import tables
from tests.support.builders import a_key, a_project, wired_on
from tests.support.calls import capacities, surround
from tests.support.fake_clock import FakeClock
from tests.support.payloads import http_api
from tests.support.stream_records import NoSockets, a_record

WARM_UP_HOURS, HOURS = 1.0, 3.0
PER_SECOND = 1_000_000 / cost_model.MONTH_SECONDS
PATIENT = {"read_timeout_seconds": 10.0}
USERS, ITEMS, STORED = 4_000, cost_model.MANY_ITEMS, 200_000
NO_TRAINING = Training(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
COUNTED_DAYS, COUNTED_HOURS = 30, 48
"""Before the first request, which live lists have counted."""
FEW, MANY = 1.5, 10.0
"""Events of a request: of most shops, and of one that collects them."""
EVENTS, STREAM, TICK = "events", "stream", "tick"
INDEXED = {"owner", "moment", "month", "item_id", "event_type", "value"}
"""Attributes of an event that its entry in the index has."""


def _uuid(number: int) -> str:
    return str(UUID(int=Random(number).getrandbits(128)))


@dataclass
class _Shop:
    """A trained shop on a clock that can be set forward."""

    wired: Wired
    clock: FakeClock
    key: str
    recorder: Recorder
    pairs: list[tuple[str, str]]
    """Users and items of stored events; what is sent later is drawn from them."""

    def replayed(self, events_a_request: float) -> Taken:
        """Sends requests at their rates for some hours; returns what the hours after the warm-up took."""
        _Replay(self, events_a_request).run()
        return self.recorder.taken()


class _Replay:
    """Requests, stream batches and ticks, each at its time."""

    def __init__(self, shop: _Shop, events_a_request: float) -> None:
        self._shop, self._recorder, self._random = shop, shop.recorder, Random(0)
        self._events_a_request = events_a_request
        self._rates = {
            RECOMMENDATIONS: PER_SECOND,
            EVENTS: PER_SECOND / events_a_request,
            TICK: 1 / cost_model.TICK_SECONDS,
        }
        self._headers = {"x-api-key": shop.key, "content-type": "application/json"}
        self._handler: Any = Mangum(create_application(shop.wired.services), lifespan="off")
        self._consumer = Consumer(shop.wired.services, NoSockets())
        self._pending: list[dict[str, Any]] = []
        self._agenda: list[tuple[float, str]] = []

    def run(self) -> None:
        self._agenda = [(self._random.expovariate(rate), kind) for kind, rate in self._rates.items()]
        heapq.heapify(self._agenda)
        at, is_warm = 0.0, False
        while self._agenda and at < (WARM_UP_HOURS + HOURS) * 3_600:
            due, kind = heapq.heappop(self._agenda)
            self._shop.clock.advance(due - at)
            at = due
            if not is_warm and at > WARM_UP_HOURS * 3_600:
                is_warm = True
                self._recorder.clear()
            self._do(kind, due)
            if kind in self._rates:
                every = 1 / self._rates[kind]
                heapq.heappush(
                    self._agenda, (due + (every if kind == TICK else self._random.expovariate(1 / every)), kind)
                )

    def _do(self, kind: str, due: float) -> None:
        if kind == RECOMMENDATIONS:
            self._call(kind, "GET", f"/v1/users/{self._random.choice(self._shop.pairs)[0]}/recommendations?limit=10")
        elif kind == EVENTS:
            self._send_events(due)
        elif kind == STREAM:
            records, self._pending = self._pending, []
            with self._recorder.invocation(STREAM, len(records)):
                assert self._consumer.apply(records) is None
        else:
            with self._recorder.invocation(TICK):
                schedule.refresh_overdue_lists(self._shop.wired.services)

    def _call(self, kind: str, method: str, target: str, body: bytes | None = None, events: int = 0) -> None:
        with self._recorder.invocation(kind, events):
            response = self._handler(http_api((method, target, self._headers, body)), None)
        assert response["statusCode"] < 300, response

    def _send_events(self, due: float) -> None:
        """Sends as many events as a request has on average; their batch of the stream is due a window later."""
        user, at = self._random.choice(self._shop.pairs)[0], self._shop.clock.now()
        number = int(self._events_a_request) + (self._random.random() < self._events_a_request % 1)
        items = [item for _, item in self._random.choices(self._shop.pairs, k=number)]
        sent = [{"user_id": user, "item_id": item} for item in items]
        self._call(EVENTS, "POST", "/v1/events", orjson.dumps({"events": sent}), len(sent))
        if not self._pending:
            heapq.heappush(self._agenda, (due + cost_model.WINDOW_SECONDS, STREAM))
        for number, item in enumerate(items):
            self._pending.append(a_record(PROJECT, Event(user, item, "view", at, f"{due}-{number}"), arrived=at))


def _count_past(wired: Wired, items: Sequence[str]) -> None:
    """Fills the counters with a month of events at the rate of a million a month."""
    store, random, now = CounterStore(wired.database), Random(1), wired.services.clock.now().timestamp()
    for level, seconds, rows in ((DAY, DAY, COUNTED_DAYS), (HOUR, FINE_SECONDS, COUNTED_HOURS)):
        for start in range(counts.floor(int(now), level) - rows * level, counts.floor(int(now), level), level):
            total: counts.Counts = {}
            for item in random.choices(items, k=round(level * PER_SECOND)):
                counts.add(total, {(start + random.randrange(0, level, seconds), item): counts.THOUSANDTHS})
            packed = counts.packed_within(total, MOST_BYTES)
            store.put_sum(PROJECT, level, Counted(start, packed, version=1), now)


def run() -> None:
    print(f"\nCosts: a million recommendations and events a month, at their rate for {HOURS:.0f} h of a clock")
    with _sample() as shop:
        few, many = shop.replayed(FEW), shop.replayed(MANY)
        of_sample = _line(few, many, STREAM)
        sample = _recorded(shop, few, many, of_sample, NO_TRAINING)
    with _typical() as (shop, training):
        few, many = shop.replayed(FEW), shop.replayed(MANY)
        recorded = _recorded(shop, few, many, of_sample, training)
    print(f"  {recorded}")
    print(f"  {ITEMS:,} items with UUIDs, {FEW} events a request, a year of events, trained daily")
    _compare(Traffic(), recorded)
    print(f"  {cost_model.FEW_ITEMS} items, {MANY:.0f} events a request, the first month, never trained")
    traffic = Traffic(events_a_request=MANY, items=cost_model.FEW_ITEMS, id_bytes=7, trainings=0, years=0)
    _compare(replace(traffic, hit_rate=sample.hit_rate), sample)


def _line(few: Taken, many: Taken, kind: str) -> WithEvents:
    return WithEvents.through(few.parts[kind], few.events[kind], many.parts[kind], many.events[kind])


def _compare(traffic: Traffic, recorded: RecordedUnits) -> None:
    measured, forecast = (cost_model.terms(traffic, units) for units in (recorded, cost_model.RECORDED))
    for term, other in zip(measured, forecast, strict=True):
        ratio = f"{term.dollars / other.dollars:.2f} x" if other.dollars else "not in"
        print(f"    {term.name}: {term.dollars:.2f} USD, {ratio} the forecast of `serendip cost`")
    total, expected = (sum(term.dollars for term in each) for each in (measured, forecast))
    print(f"    total {total:.2f} USD, {total / expected:.2f} x the forecast")


@contextmanager
def _typical() -> Iterator[tuple[_Shop, Training]]:
    """A shop with UUIDs for items and users, and what its training took."""
    users, items = (column.tolist() for column in synthetic.interactions(USERS, ITEMS, STORED))
    pairs = [(_uuid(user), _uuid(USERS + item)) for user, item in zip(users, items, strict=True)]
    with latency.emulated() as settings:
        wired = wired_on(settings.model_copy(update=PATIENT), clock=(clock := FakeClock()))
        key = a_project(wired, PROJECT)
        for start in range(0, ITEMS, 100):
            numbers = range(start, min(start + 100, ITEMS))
            wired.services.items.put_many(PROJECT, [_item(number) for number in numbers])
        Random(0).shuffle(pairs)
        _count_past(wired, [item for _, item in pairs])
        _store(wired, pairs)
        training = _trained(wired, clock, len(pairs))
        with recording() as recorder:
            yield _Shop(wired, clock, key, recorder, pairs), training
        wired.close()


def _item(number: int) -> Item:
    properties = {"price": float(number % 100), "brand": f"brand {number % 40}", "color": "green"}
    return Item(_uuid(USERS + number), f"Item number {number}", (f"shelf {number % 20}",), properties)


def _store(wired: Wired, pairs: Sequence[tuple[str, str]]) -> None:
    minutes = 90 * 1_440
    for start in range(0, len(pairs), 500):
        events = [
            Event(user, item, "view", now() - timedelta(minutes=5 * number % minutes), str(number))
            for number, (user, item) in enumerate(pairs[start : start + 500], start)
        ]
        wired.services.events.accept(PROJECT, events)


def _trained(wired: Wired, clock: FakeClock, events: int) -> Training:
    """Trains a model; returns what that and reading the packed events of past months took."""
    units: defaultdict[str, float] = defaultdict(float)

    def counted(operation: str, _request: dict[str, Any], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        result = call()
        for part in capacities(result):
            of_events = part["TableName"].endswith(EventRow.Meta.table_name)
            kind = "write" if operation.startswith(WRITES) else "events" if of_events else "catalog"
            units[kind] += part["CapacityUnits"]
        return result

    undo, started = surround(wired.database, counted), process_time()
    wired.services.train.run(PROJECT, wired.services.train.queue(PROJECT))
    trained, of_training = process_time(), {**units}
    retention = Retention(clock=clock)
    store = EventStore(wired.database, retention)
    assert sum(1 for _ in store.all(PROJECT)) == events
    reading = process_time() - trained
    with TemporaryDirectory() as folder:
        packed = PackedEvents(store, FolderFileStore(Path(folder), PROJECT), retention)
        clock.advance(2 * QUIET.total_seconds())
        assert sum(1 for _ in packed.all(PROJECT)) == events
        units.clear()
        again = process_time()
        assert sum(1 for _ in packed.all(PROJECT)) == events
        again_seconds = process_time() - again
    undo()
    from_index = min(1.0, units["events"] / of_training["events"])
    training = Training(
        reads_an_event=of_training["events"] / events,
        reads_an_item=of_training["catalog"] / ITEMS,
        writes_an_item=of_training["write"] / ITEMS,
        core_seconds_an_event=reading / events,
        core_seconds_a_packed_event=(again_seconds - from_index * reading) / (events * (1 - from_index)),
        core_seconds_an_item=(trained - started - reading) / ITEMS,
    )
    print(f"  {training}, {from_index:.0%} of the events from the index", flush=True)
    return training


@contextmanager
def _sample() -> Iterator[_Shop]:
    with latency.loaded_shop() as (settings, _):
        wired = wired_on(settings.model_copy(update=PATIENT), clock=(clock := FakeClock()))
        stored = [row for row in tables.rows(wired, EventRow) if "item_id" in row]
        pairs = [(row["owner"]["S"].partition(SEPARATOR)[2], row["item_id"]["S"]) for row in stored]
        _count_past(wired, [item for _, item in pairs])
        with recording() as recorder:
            yield _Shop(wired, clock, a_key(wired, PROJECT, Scope.ADMIN), recorder, pairs)
        wired.close()


def _recorded(
    shop: _Shop, few: Taken, many: Taken, stream_of_few_items: WithEvents, training: Training
) -> RecordedUnits:
    answers, needed, answer = few.counts[RECOMMENDATIONS], few.looked_up, few.parts[RECOMMENDATIONS]
    missed = needed["read"] / answers
    rows = [row for row in tables.rows(shop.wired, EventRow) if "item_id" in row]
    return RecordedUnits(
        str(now().date()),
        recommendations=replace(answer, read_units=answer.read_units - missed * cost_model.EVENTUAL),
        items_an_answer=needed["items"] / answers,
        rows_an_answer=needed["rows"] / answers,
        hit_rate=1 - missed / ((needed["items"] + needed["rows"]) / answers),
        events=_line(few, many, EVENTS),
        stream=_line(few, many, STREAM),
        stream_of_few_items=stream_of_few_items,
        tick=few.parts[TICK],
        training=training,
        bytes_an_event=statistics.mean(map(_bytes, rows)),
        bytes_an_index_entry=statistics.mean(_bytes({name: row[name] for name in INDEXED & set(row)}) for row in rows),
    )


def _bytes(row: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes that DynamoDB bills for a row or an entry of an index, with 100 bytes of overhead."""
    return 100 + sum(len(name) + len(str(*value.values())) for name, value in row.items())
