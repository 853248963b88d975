"""What a month of traffic costs in AWS: units and times recorded by a benchmark, at public prices.

`make bench ONLY=costs` records them again and compares them with the values in this file.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Literal

from app import prices

MONTH_SECONDS = 30 * 86_400
GB = 1e9
TICK_SECONDS = 300
"""Seconds between ticks; the template's schedule."""
WINDOW_SECONDS = 1.0
"""How long the stream collects a batch; the template's default."""
ACCESS_LOG_BYTES = 80
"""Bytes of one request in the gateway's log, in the template's format. Function URLs have no such log."""
FRONTS: Mapping[prices.Front, tuple[str, int]] = {"api": ("HTTP API", ACCESS_LOG_BYTES), "url": ("Function URL", 0)}
"""Name of each front, and the bytes that it logs about a request."""
READ_BYTES, WRITE_BYTES = 4_096, 1_024
EVENTUAL = 0.5
"""Units of an eventually consistent read."""
NEIGHBORS = 100
STORAGE = "Storage of events, with backups"
FEW_ITEMS, MANY_ITEMS = 100, 20_000
"""Of the two shops that were recorded."""
RECORDED_ID_BYTES = 36
"""Length of the ids with which units were recorded: UUIDs."""
IDS_AN_EVENT = 2
"""A row holds its user and its item, and so does its entry in the index."""
MONTH_DAYS = 30
TableClass = Literal["standard", "infrequent-access"]
STANDARD: TableClass = "standard"
INFREQUENT: TableClass = "infrequent-access"


@dataclass(frozen=True)
class Invocation:
    """The usage of one kind of invocation."""

    read_units: float = 0.0
    write_units: float = 0.0
    milliseconds: float = 0.0
    """Duration, on the machine that recorded it."""
    core_milliseconds: float = 0.0
    """CPU time within the duration, of a whole core. Lambda gives a share of a core in proportion to its memory."""
    log_bytes: float = 0.0

    @property
    def gigabyte_seconds(self) -> float:
        waiting = max(0.0, self.milliseconds - self.core_milliseconds)
        return (self.core_milliseconds * prices.CORE_GB + waiting * prices.API_MEMORY_GB) / 1_000


@dataclass(frozen=True)
class WithEvents:
    """The usage of an invocation that handles events: a fixed part, and a part for each event."""

    fixed: Invocation
    each: Invocation

    @staticmethod
    def through(few: Invocation, few_events: float, many: Invocation, many_events: float) -> "WithEvents":
        """Returns the line through two recordings with different numbers of events."""
        span = many_events - few_events
        each = [(more - less) / span for less, more in zip(astuple(few), astuple(many), strict=True)]
        fixed = [less - few_events * of_one for less, of_one in zip(astuple(few), each, strict=True)]
        return WithEvents(Invocation(*fixed), Invocation(*each))

    def of(self, events: float) -> Invocation:
        """Returns the usage of an invocation with some events."""
        parts = zip(astuple(self.fixed), astuple(self.each), strict=True)
        return Invocation(*(fixed + events * each for fixed, each in parts))


@dataclass(frozen=True)
class Training:
    """The usage of a training, by what it grows with. Ids are as long as UUIDs."""

    reads_an_event: float
    reads_an_item: float
    writes_an_item: float
    core_seconds_an_event: float
    """To read one from the index."""
    core_seconds_a_packed_event: float
    """To read one from a file."""
    core_seconds_an_item: float
    """To learn, which takes longer with more events of an item too."""


@dataclass(frozen=True)
class RecordedUnits:
    """Recorded usage of each kind of invocation."""

    on: str
    recommendations: Invocation
    """A list, without what it reads because it is not in memory."""
    items_an_answer: float
    """Items whose records a list needs: those in it and those that its reasons name."""
    rows_an_answer: float
    """Neighbor rows that a list needs: those of the items that the user has used."""
    hit_rate: float
    """The share of these records and rows that was in memory, at a million lists a month of 20,000 items."""
    events: WithEvents
    stream: WithEvents
    stream_of_few_items: WithEvents
    """With 100 items and short ids: counters and lists are smaller."""
    tick: Invocation
    training: Training
    bytes_an_event: float
    """Of a row with ids as long as UUIDs."""
    bytes_an_index_entry: float


@dataclass(frozen=True)
class Traffic:
    """A shop and its traffic of one month."""

    recommendations: float = 1e6
    events: float = 1e6
    events_a_request: float = 1.5
    items: float = 20_000
    id_bytes: float = RECORDED_ID_BYTES
    hit_rate: float | None = None
    """None: as recorded."""
    trainings: float = 30
    years: float = 1.0
    """How long events have been stored at this rate."""
    front: prices.Front = "api"
    """What receives requests: the HTTP API, or the function's URL (`url`)."""
    table_class: TableClass = STANDARD
    """Of the events."""

    @property
    def stored(self) -> float:
        """Events stored on average during the month, to which its own events are added evenly."""
        return self.events * (12 * self.years + 0.5)


@dataclass(frozen=True)
class Term:
    name: str
    amount: float
    unit: Literal["requests", "invocations", "GB-s", "units", "calls", "GB"]
    dollars: float


def terms(traffic: Traffic, recorded: RecordedUnits) -> Sequence[Term]:
    """A month's cost, term by term. Without traffic, only storage and trainings remain."""
    requests = traffic.events / traffic.events_a_request
    batches = requests / (1 + requests / MONTH_SECONDS * WINDOW_SECONDS)
    ticks = MONTH_SECONDS / TICK_SECONDS if traffic.events else 0.0
    event_requests = recorded.events.of(traffic.events_a_request)
    stream = _stream(recorded, traffic.items, traffic.events / batches if batches else 0.0)
    times = (
        (traffic.recommendations, recorded.recommendations),
        (requests, event_requests),
        (batches, stream),
        (ticks, recorded.tick),
    )
    (front, access_log_bytes), responses = FRONTS[traffic.front], traffic.recommendations + requests
    invocations = sum(count for count, _ in times)
    misses = 1 - (recorded.hit_rate if traffic.hit_rate is None else traffic.hit_rate)
    missing = recorded.items_an_answer + recorded.rows_an_answer * math.ceil(_row_bytes(traffic.id_bytes) / READ_BYTES)
    units_missed = traffic.recommendations * misses * missing * EVENTUAL
    reads = sum(count * part.read_units for count, part in times)
    gigabyte_seconds = sum(count * part.gigabyte_seconds for count, part in times)
    logged = sum(count * part.log_bytes for count, part in times) + responses * access_log_bytes
    history_reads = traffic.recommendations * recorded.recommendations.read_units
    read_unit, write_unit, stored_gb = _table_prices(traffic.table_class)
    id_bytes = IDS_AN_EVENT * (traffic.id_bytes - RECORDED_ID_BYTES)
    rows, entries = (
        traffic.stored * (size + id_bytes) / GB for size in (recorded.bytes_an_event, recorded.bytes_an_index_entry)
    )
    other_writes = batches * stream.write_units + traffic.recommendations * recorded.recommendations.write_units
    return (
        Term(front, responses, "requests", responses * prices.FRONT_REQUESTS[traffic.front]),
        Term("Lambda, invocations", invocations, "invocations", invocations * prices.LAMBDA_REQUEST),
        _time("Lambda, time", gigabyte_seconds),
        _units("Reads of histories", history_reads, read_unit),
        _units("Other reads", reads - history_reads, prices.READ_UNIT),
        _units("Reads of what is not in memory", units_missed, prices.READ_UNIT),
        _units("Writes of events", requests * event_requests.write_units, write_unit),
        _units("Writes of counters, lists and usage", other_writes, prices.WRITE_UNIT),
        *_trainings(traffic, recorded.training, read_unit),
        Term("Scheduler", ticks, "calls", ticks * prices.SCHEDULER_CALL),
        Term("Logs", logged / GB, "GB", logged / GB * prices.LOG_GB),
        Term(STORAGE, rows + entries, "GB", (rows + entries) * stored_gb + rows * prices.BACKED_UP_GB),
    )


def _stream(recorded: RecordedUnits, items: float, events: float) -> Invocation:
    """Returns the usage of a batch, between the recordings of few and many items by the logarithm of their number."""
    share = math.log(max(items, FEW_ITEMS) / FEW_ITEMS) / math.log(MANY_ITEMS / FEW_ITEMS)
    few, many = recorded.stream_of_few_items.of(events), recorded.stream.of(events)
    return Invocation(*(less + share * (more - less) for less, more in zip(astuple(few), astuple(many), strict=True)))


def _trainings(traffic: Traffic, training: Training, read_unit: float) -> Sequence[Term]:
    """Returns what the trainings of a month read, write and compute."""
    from app.storage.packed_events import KEPT, LEAST, SETTLED
    from app.storage.table import MONTH_SHARDS

    size, recorded_size = (math.ceil(_row_bytes(each) / WRITE_BYTES) for each in (traffic.id_bytes, RECORDED_ID_BYTES))
    open_months = 0.5 + SETTLED.days / MONTH_DAYS  # on average; their events are read from the index
    is_packed = traffic.events >= LEAST * MONTH_SHARDS
    packed = max(0.0, traffic.stored - open_months * traffic.events) if is_packed else 0.0
    packings = min(MONTH_DAYS / KEPT.days, traffic.trainings)  # how often the other events are read from it in a month
    from_index = traffic.trainings * (traffic.stored - packed) + packings * packed
    from_files = (traffic.trainings - packings) * packed
    files = MONTH_SHARDS * packed / traffic.events if traffic.events else 0.0
    seconds = (
        from_index * training.core_seconds_an_event
        + from_files * training.core_seconds_a_packed_event
        + traffic.trainings * traffic.items * training.core_seconds_an_item
    )
    writes = traffic.trainings * traffic.items * training.writes_an_item * size / recorded_size
    file_dollars = files * (packings * prices.FILE_WRITE + (traffic.trainings - packings) * prices.FILE_READ)
    return (
        _units("Trainings, reads of events", from_index * training.reads_an_event, read_unit),
        Term("Trainings, files of events", files * traffic.trainings, "calls", file_dollars),
        _units(
            "Trainings, reads of items", traffic.trainings * traffic.items * training.reads_an_item, prices.READ_UNIT
        ),
        _units("Trainings, writes", writes, prices.WRITE_UNIT),
        _time("Trainings, time", seconds * prices.CORE_GB),
    )


def _table_prices(table_class: TableClass) -> tuple[float, float, float]:
    """Returns the prices of a read unit, a write unit and a stored GB of a table."""
    if table_class == INFREQUENT:
        return prices.READ_UNIT_INFREQUENT, prices.WRITE_UNIT_INFREQUENT, prices.STORED_GB_INFREQUENT
    return prices.READ_UNIT, prices.WRITE_UNIT, prices.STORED_GB


def _time(name: str, gigabyte_seconds: float) -> Term:
    return Term(name, gigabyte_seconds, "GB-s", gigabyte_seconds * prices.LAMBDA_GB_SECOND)


def _units(name: str, units: float, price: float) -> Term:
    return Term(name, units, "units", units * price)


def _row_bytes(id_bytes: float) -> float:
    """Bytes of the row of an item: its key, and for each neighbor a weight, a share and a compressed id."""
    return id_bytes + 60 + NEIGHBORS * (6 + 0.6 * (id_bytes + 1))


RECORDED = RecordedUnits(
    on="2026-11-30",
    recommendations=Invocation(
        read_units=2.446, write_units=0.025, milliseconds=12.66, core_milliseconds=7.27, log_bytes=294
    ),
    items_an_answer=37.3,
    rows_an_answer=58.8,
    hit_rate=0.940,
    events=WithEvents(
        fixed=Invocation(read_units=0.089, write_units=0.031, milliseconds=5.17, core_milliseconds=2.41, log_bytes=186),
        each=Invocation(read_units=0.006, write_units=1.997, milliseconds=0.21, core_milliseconds=0.008),
    ),
    stream=WithEvents(
        fixed=Invocation(read_units=0.782, write_units=2.715, milliseconds=6.33, core_milliseconds=2.13, log_bytes=264),
        each=Invocation(read_units=2.208, write_units=0.535, core_milliseconds=0.026),
    ),
    stream_of_few_items=WithEvents(
        fixed=Invocation(read_units=1.796, write_units=2.442, milliseconds=4.60, core_milliseconds=1.90, log_bytes=264),
        each=Invocation(read_units=0.343, write_units=0.266, milliseconds=0.26, core_milliseconds=0.065),
    ),
    tick=Invocation(read_units=1.0, write_units=0.0, milliseconds=2.43, core_milliseconds=0.87),
    training=Training(
        reads_an_event=0.0203,
        reads_an_item=0.5205,
        writes_an_item=2.018,
        core_seconds_an_event=6.51e-6,
        core_seconds_a_packed_event=5.26e-6,
        core_seconds_an_item=3.10e-3,
    ),
    bytes_an_event=265,
    bytes_an_index_entry=265,
)
"""Times are of a busy machine. Units of the stream and ticks, and the time to read a packed event, are of 2026-11-30,
from replays of 36 to 48 minutes without recommendations; the rest is of 2026-11-29."""
