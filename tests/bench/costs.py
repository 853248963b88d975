"""Monthly costs: requests and events at a realistic rate, with the units, times and log bytes of each kind."""

import heapq
import io
import logging
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from time import monotonic, perf_counter, process_time, sleep
from typing import Any

import orjson
import pytest
from mangum import Mangum

from app import telemetry
from app.api.application import create_application
from app.clock import now
from app.domain.events import Event
from app.entry import schedule
from app.entry.cli.operations import cost_model
from app.entry.cli.operations.cost_model import Invocation, MonthlyTraffic, RecordedUnits
from app.entry.stream import Consumer
from app.storage.events import EventRow
from app.telemetry import WRITES, RequestLog
from app.wiring import Wired
from tests.bench.latency import PROJECT, USERS, loaded_shop
from tests.support import tables
from tests.support.builders import wired_on
from tests.support.payloads import http_api
from tests.support.stream_records import NoSockets, a_record

SECONDS = 420
EVENTS_A_REQUEST = 10
PER_SECOND = 1_000_000 / cost_model.MONTH_SECONDS
WINDOW_SECONDS = 1.0
"""Batching window of the stream, as in the template."""
RECOMMENDATIONS, EVENTS, STREAM, TICK = "recommendations", "events", "stream", "tick"
RATES = {RECOMMENDATIONS: PER_SECOND, EVENTS: PER_SECOND / EVENTS_A_REQUEST, TICK: 1 / cost_model.TICK_SECONDS}


@dataclass
class Recorder:
    """Units, times and log bytes of invocations, by kind."""

    log: io.StringIO
    kind: str = ""
    sums: dict[str, defaultdict[str, float]] = field(default_factory=dict)
    milliseconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    core_milliseconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def invocation(self, kind: str) -> Iterator[None]:
        self.kind = kind
        sums, logged = self.sums.setdefault(kind, defaultdict(float)), self.log.tell()
        started, computed = perf_counter(), process_time()
        yield
        self.milliseconds[kind].append((perf_counter() - started) * 1_000)
        self.core_milliseconds[kind].append((process_time() - computed) * 1_000)
        sums["log_bytes"] += self.log.tell() - logged
        self.kind = ""

    def called(self, operation: str, units: float) -> None:
        if self.kind:
            self.sums[self.kind]["write_units" if operation.startswith(WRITES) else "read_units"] += units

    def part(self, kind: str) -> Invocation:
        count, sums = len(self.milliseconds[kind]), self.sums[kind]
        units = {name: sums[name] / count for name in ("read_units", "write_units", "log_bytes")}
        times = {
            "milliseconds": statistics.median(self.milliseconds[kind]),
            "core_milliseconds": statistics.median(self.core_milliseconds[kind]),
        }
        return Invocation(**units, **times)


def run() -> None:
    print(f"\nCosts: a million recommendations and events a month, at their rate for {SECONDS} s")
    with loaded_shop() as (settings, key):
        wired = wired_on(settings)
        recorded = _recorded(wired, key)
        wired.close()
    print(f"  {recorded}")
    _compare(recorded, cost_model.RECORDED)


def _compare(measured: RecordedUnits, forecast: RecordedUnits) -> None:
    actual, expected = (cost_model.terms(MonthlyTraffic(), units) for units in (measured, forecast))
    for term, other in zip(actual, expected, strict=True):
        ratio = term.dollars / other.dollars if other.dollars else 1.0
        print(f"  {term.name}: {term.dollars:.2f} USD, {ratio:.2f} x the forecast of `serendip cost`")
    total, forecast_total = (sum(term.dollars for term in terms) for terms in (actual, expected))
    print(f"  total {total:.2f} USD, {total / forecast_total:.2f} x the forecast of `serendip cost`")


def _bytes(row: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes that DynamoDB bills for a row and its index entry, each with 100 bytes of overhead."""
    return 2 * (100 + sum(len(name) + len(str(*value.values())) for name, value in row.items()))


def _log_handler() -> "logging.StreamHandler[Any]":
    telemetry.configure()
    (handler,) = telemetry.logger.handlers
    assert isinstance(handler, logging.StreamHandler)
    return handler


class _Replay:
    """Requests, stream batches and ticks, each at its time."""

    def __init__(self, wired: Wired, key: str, recorder: Recorder) -> None:
        self._wired, self._recorder, self._random = wired, recorder, Random(0)
        self._headers = {"x-api-key": key, "content-type": "application/json"}
        self._handler: Any = Mangum(create_application(wired.services), lifespan="off")
        self._consumer = Consumer(wired.services, NoSockets())
        self._pending: list[dict[str, Any]] = []
        self._agenda: list[tuple[float, str]] = []

    def run(self) -> None:
        """Warms the caches unrecorded, then sends requests at their rates for SECONDS."""
        for _ in range(USERS):
            self._recommend()
        self._send_events(0.0)
        self._apply()
        self._recorder.sums.clear()
        self._recorder.milliseconds.clear()
        self._recorder.core_milliseconds.clear()
        self._agenda = [(self._random.expovariate(rate), kind) for kind, rate in RATES.items()]
        heapq.heapify(self._agenda)
        started = monotonic()
        while self._agenda:
            due, kind = heapq.heappop(self._agenda)
            if due > SECONDS:
                continue
            sleep(max(0.0, started + due - monotonic()))
            self._do(kind, due)
            if kind in RATES:
                every = 1 / RATES[kind]
                wait = every if kind == TICK else self._random.expovariate(1 / every)
                heapq.heappush(self._agenda, (due + wait, kind))

    def _do(self, kind: str, due: float) -> None:
        if kind == RECOMMENDATIONS:
            self._recommend()
        elif kind == EVENTS:
            self._send_events(due)
        elif kind == STREAM:
            self._apply()
        else:
            with self._recorder.invocation(TICK):
                schedule.refresh_overdue_lists(self._wired.services)

    def _call(self, kind: str, method: str, target: str, body: bytes | None = None) -> None:
        with self._recorder.invocation(kind):
            response = self._handler(http_api((method, target, self._headers, body)), None)
        assert response["statusCode"] < 300, response

    def _user(self) -> str:
        return f"user-{self._random.randrange(USERS) + 1:03d}"

    def _recommend(self) -> None:
        self._call(RECOMMENDATIONS, "GET", f"/v1/users/{self._user()}/recommendations?limit=10")

    def _send_events(self, due: float) -> None:
        user, at = self._user(), now()
        items = [f"sku-{number + 1:03d}" for number in self._random.sample(range(100), EVENTS_A_REQUEST)]
        sent = [{"user_id": user, "item_id": item, "timestamp": at.isoformat()} for item in items]
        self._call(EVENTS, "POST", "/v1/events", orjson.dumps({"events": sent}))
        if not self._pending:
            heapq.heappush(self._agenda, (due + WINDOW_SECONDS, STREAM))
        for number, item in enumerate(items):
            self._pending.append(a_record(PROJECT, Event(user, item, "view", at, f"{due}-{number}")))

    def _apply(self) -> None:
        records, self._pending = self._pending, []
        with self._recorder.invocation(STREAM):
            assert self._consumer.apply(records) is None


def _recorded(wired: Wired, key: str) -> RecordedUnits:
    log, shown = io.StringIO(), _log_handler()
    recorder, before = Recorder(log), shown.setStream(log)
    counted = RequestLog.count_call

    def called(work: RequestLog, operation: str, seconds: float, units: float) -> None:
        recorder.called(operation, units)
        counted(work, operation, seconds, units)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RequestLog, "count_call", called)
        _Replay(wired, key, recorder).run()
    shown.setStream(before)
    sizes = [_bytes(row) for row in tables.rows(wired, EventRow) if "item_id" in row]
    parts = {name: recorder.part(name) for name in (RECOMMENDATIONS, EVENTS, STREAM, TICK)}
    return RecordedUnits(
        str(now().date()), **parts, events_a_request=EVENTS_A_REQUEST, bytes_an_event=statistics.mean(sizes)
    )
