"""What a month of traffic costs in AWS: units and times as a benchmark recorded them, at public prices.

`make bench ONLY=costs` records them again and says how far they are from what is kept here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app import prices

MONTH_SECONDS = 30 * 86_400
GB = 1e9
TICK_SECONDS = 300
"""Of the template's schedule."""
ACCESS_LOG_BYTES = 80
"""Of one request in the gateway's log, by the template's format."""


@dataclass(frozen=True)
class Part:
    """What one invocation of a kind takes."""

    read_units: float
    write_units: float
    milliseconds: float
    """From its beginning to its end, on the machine that recorded it."""
    core_milliseconds: float
    """Of these, what a whole core computed; Lambda gives less of one with less memory, and is paid for as much."""
    log_bytes: float


@dataclass(frozen=True)
class RecordedUnits:
    """By kind of invocation; each request of events becomes a batch of the stream."""

    on: str
    recommendations: Part
    events: Part
    """A request of `events_a_request` events of one user."""
    stream: Part
    """A batch of as many."""
    tick: Part
    events_a_request: int
    bytes_an_event: float


@dataclass(frozen=True)
class MonthlyTraffic:
    """A month's."""

    recommendations: float = 1e6
    events: float = 1e6
    events_a_request: float = 10
    stored_events: float = 0.0
    """Of the months before."""

    @property
    def stored(self) -> float:
        """On average of the month, in which its own events come one after the other."""
        return self.stored_events + self.events / 2


@dataclass(frozen=True)
class Term:
    name: str
    amount: float
    unit: str
    dollars: float


def terms(traffic: MonthlyTraffic, recorded: RecordedUnits) -> Sequence[Term]:
    """A month's cost, term by term; storage is the only one that stays when there is no traffic."""
    requests = traffic.events / traffic.events_a_request
    size = traffic.events_a_request / recorded.events_a_request
    ticks = MONTH_SECONDS / TICK_SECONDS if traffic.events else 0.0
    times = (
        (traffic.recommendations, recorded.recommendations, 1.0),
        (requests, recorded.events, size),
        (requests, recorded.stream, size),
        (ticks, recorded.tick, 1.0),
    )
    answered, invoked = traffic.recommendations + requests, sum(count for count, _, _ in times)
    reads = sum(count * part.read_units * scale for count, part, scale in times)
    writes = sum(count * part.write_units * scale for count, part, scale in times)
    gigabyte_seconds = sum(count * _gigabyte_seconds(part) for count, part, _ in times)
    logged = sum(count * part.log_bytes for count, part, _ in times) + answered * ACCESS_LOG_BYTES
    stored = traffic.stored * recorded.bytes_an_event / GB
    return (
        Term("HTTP API", answered, "requests", answered * prices.HTTP_API_REQUEST),
        Term("Lambda, invocations", invoked, "invocations", invoked * prices.LAMBDA_REQUEST),
        Term("Lambda, time", gigabyte_seconds, "GB-s", gigabyte_seconds * prices.LAMBDA_GB_SECOND),
        Term("DynamoDB, reads", reads, "units", reads * prices.READ_UNIT),
        Term("DynamoDB, writes", writes, "units", writes * prices.WRITE_UNIT),
        Term("Scheduler", ticks, "calls", ticks * prices.SCHEDULER_CALL),
        Term("Logs", logged / GB, "GB", logged / GB * prices.LOG_GB),
        Term("Storage of events, with backups", stored, "GB", stored * (prices.STORED_GB + prices.BACKED_UP_GB)),
    )


def _gigabyte_seconds(part: Part) -> float:
    waiting = max(0.0, part.milliseconds - part.core_milliseconds)
    return (part.core_milliseconds * prices.CORE_GB + waiting * prices.API_MEMORY_GB) / 1_000


RECORDED = RecordedUnits(
    on="2026-11-25",
    recommendations=Part(read_units=2.424, write_units=0.038, milliseconds=9.15, core_milliseconds=7.15, log_bytes=292),
    events=Part(read_units=0.545, write_units=20.09, milliseconds=11.86, core_milliseconds=7.43, log_bytes=197),
    stream=Part(read_units=6.167, write_units=5.222, milliseconds=11.75, core_milliseconds=6.83, log_bytes=281),
    tick=Part(read_units=1.0, write_units=0.0, milliseconds=8.39, core_milliseconds=5.18, log_bytes=281),
    events_a_request=10,
    bytes_an_event=441,
)
