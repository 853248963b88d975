"""What a month of traffic costs in AWS: units and times recorded by a benchmark, at public prices.

`make bench ONLY=costs` records them again and compares them with the values in this file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app import prices

MONTH_SECONDS = 30 * 86_400
GB = 1e9
TICK_SECONDS = 300
"""Seconds between ticks; the template's schedule."""
ACCESS_LOG_BYTES = 80
"""Bytes of one request in the gateway's log, in the template's format."""


@dataclass(frozen=True)
class Invocation:
    """The recorded usage of one kind of invocation."""

    read_units: float
    write_units: float
    milliseconds: float
    """Duration, on the machine that recorded it."""
    core_milliseconds: float
    """CPU time within the duration, of a whole core. Lambda gives a share of a core in proportion to its memory."""
    log_bytes: float


@dataclass(frozen=True)
class RecordedUnits:
    """Recorded usage of each kind of invocation. Each request with events becomes one batch of the stream."""

    on: str
    recommendations: Invocation
    events: Invocation
    """A request with `events_a_request` events of one user."""
    stream: Invocation
    """A batch of `events_a_request` records."""
    tick: Invocation
    events_a_request: int
    bytes_an_event: float


@dataclass(frozen=True)
class MonthlyTraffic:
    """The traffic of one month."""

    recommendations: float = 1e6
    events: float = 1e6
    events_a_request: float = 10
    stored_events: float = 0.0
    """Events already stored from previous months."""

    @property
    def stored(self) -> float:
        """Events stored on average during the month, to which its own events are added evenly."""
        return self.stored_events + self.events / 2


@dataclass(frozen=True)
class Term:
    name: str
    amount: float
    unit: str
    dollars: float


def terms(traffic: MonthlyTraffic, recorded: RecordedUnits) -> Sequence[Term]:
    """A month's cost, term by term. Without traffic, only storage remains."""
    requests = traffic.events / traffic.events_a_request
    size = traffic.events_a_request / recorded.events_a_request
    ticks = MONTH_SECONDS / TICK_SECONDS if traffic.events else 0.0
    times = (
        (traffic.recommendations, recorded.recommendations, 1.0),
        (requests, recorded.events, size),
        (requests, recorded.stream, size),
        (ticks, recorded.tick, 1.0),
    )
    responses, invocations = traffic.recommendations + requests, sum(count for count, _, _ in times)
    reads = sum(count * part.read_units * scale for count, part, scale in times)
    writes = sum(count * part.write_units * scale for count, part, scale in times)
    gigabyte_seconds = sum(count * _gigabyte_seconds(part) for count, part, _ in times)
    logged = sum(count * part.log_bytes for count, part, _ in times) + responses * ACCESS_LOG_BYTES
    stored = traffic.stored * recorded.bytes_an_event / GB
    return (
        Term("HTTP API", responses, "requests", responses * prices.HTTP_API_REQUEST),
        Term("Lambda, invocations", invocations, "invocations", invocations * prices.LAMBDA_REQUEST),
        Term("Lambda, time", gigabyte_seconds, "GB-s", gigabyte_seconds * prices.LAMBDA_GB_SECOND),
        Term("DynamoDB, reads", reads, "units", reads * prices.READ_UNIT),
        Term("DynamoDB, writes", writes, "units", writes * prices.WRITE_UNIT),
        Term("Scheduler", ticks, "calls", ticks * prices.SCHEDULER_CALL),
        Term("Logs", logged / GB, "GB", logged / GB * prices.LOG_GB),
        Term("Storage of events, with backups", stored, "GB", stored * (prices.STORED_GB + prices.BACKED_UP_GB)),
    )


def _gigabyte_seconds(part: Invocation) -> float:
    waiting = max(0.0, part.milliseconds - part.core_milliseconds)
    return (part.core_milliseconds * prices.CORE_GB + waiting * prices.API_MEMORY_GB) / 1_000


RECORDED = RecordedUnits(
    on="2026-11-28",
    recommendations=Invocation(
        read_units=2.506, write_units=0.038, milliseconds=9.15, core_milliseconds=7.15, log_bytes=292
    ),
    events=Invocation(read_units=0.0, write_units=20.09, milliseconds=11.86, core_milliseconds=7.43, log_bytes=188),
    stream=Invocation(read_units=6.056, write_units=6.444, milliseconds=19.25, core_milliseconds=12.03, log_bytes=282),
    tick=Invocation(read_units=1.0, write_units=0.0, milliseconds=8.39, core_milliseconds=5.18, log_bytes=0),
    events_a_request=10,
    bytes_an_event=441,
)
"""Units and log bytes of 2026-11-28. Times of 2026-11-25, when the machine was quiet; the stream's with what shares and
verdicts add in a comparison of both releases."""
