"""Slices of a file's rows: small enough for memory and for one step of a job. Storing a slice again changes nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from app.api.schemas.events import EventIn
from app.entry.files import reasons
from app.entry.files.layouts.layout import BOTH, EVENTS, ITEMS, USERS
from app.entry.files.reasons import Reason
from app.entry.files.records import ONLY_FACTS, TOO_OLD, CheckedRow, Record
from app.entry.files.rows import FileError, FileRow, Place
from app.entry.jobs.batch_writer import BatchWriter, RunningImport, Written
from app.entry.jobs.facts import SliceFacts, facts_of
from app.entry.jobs.summary import Summary
from app.services.bundle import Services

SLICE_ROWS = 10_000
SLICE_BYTES = 4 * 1024 * 1024
MAX_FIRST_REJECTS = 100
"""An import fails if this many rows at its beginning, and all others of the first slice, are bad."""
MAX_REJECT_CHARACTERS = 2_000
TAKEN = (
    "has the event_id of another event of its user at the same time; map event_id to what is unique, or leave it out"
)


@dataclass
class Slice:
    """Consecutive rows of a file."""

    summary: Summary = field(default_factory=lambda: Summary(slices=1))
    records: list[Record] = field(default_factory=list)
    rejects: list[bytes] = field(default_factory=list)
    """JSON Lines with the rejected rows."""
    end: Place = field(default_factory=Place)
    is_last: bool = True
    since: datetime | None = None
    """Older events are left out."""
    _events: dict[tuple[Any, ...], tuple[Any, ...]] = field(default_factory=dict)
    """The content of each event by its identity."""

    def add(self, checked: CheckedRow) -> None:
        row, records, reason, skipped = self.kept(checked)
        self.summary.read += 1
        self.summary.marks[ONLY_FACTS] += 0 < len(records) < len(checked.records)
        self.end = row.end
        if reason is None and any(record.kind == EVENTS and self._is_taken(record.body) for record in records):
            reason = reasons.of_row(TAKEN)
        if reason is not None:
            self.summary.reject(reason.problem)
            self.rejects.append(_reject(row, reason))
        elif records:
            self.records += records
            self.summary.records.update(record.kind for record in records)
            self.summary.marks.update(mark for record in records for mark in record.marks)
            self.summary.without_owner += all(record.is_anonymous for record in records)
        else:
            self.summary.skipped += 1
            self.summary.marks[str(skipped)] += 1

    def kept(self, checked: CheckedRow) -> CheckedRow:
        """Returns a row without an event that is too old."""
        if self.since is None:
            return checked
        records = tuple(record for record in checked.records if not _is_older(record, self.since))
        is_skipped = bool(checked.records) and not records
        return checked._replace(records=records, skipped=TOO_OLD if is_skipped else checked.skipped)

    def _is_taken(self, event: EventIn) -> bool:
        """Whether the id of an event belongs to another event of the user at that time. Counts repeated events."""
        content = (event.item_id, event.event_type, event.value)
        identity = (event.owner, event.timestamp, *(content if event.event_id is None else (event.event_id,)))
        before = self._events.setdefault(identity, content)
        if before is not content:
            self.summary.repeated += before == content
        return before != content


def sliced(
    name: str,
    rows: Iterable[CheckedRow],
    start: Place,
    *,
    is_first: bool,
    most_rows: int = 0,
    since: datetime | None = None,
) -> Iterator[Slice]:
    """Yields the rows in slices; the last slice may be empty.

    Args:
        name: the name of the file.
        rows: its rows.
        start: the place before them.
        is_first: whether no rows were loaded before.
        most_rows: the size of a batch, which a slice must be able to fill.
        since: events before this time are left out.

    Raises:
        FileError: the first hundred rows are all bad.
    """
    part, size, most_rows = Slice(end=start, since=since), 0, max(most_rows, SLICE_ROWS)
    for checked in rows:
        part.add(checked)
        size += checked.row.size
        if size >= SLICE_BYTES or part.summary.read >= most_rows:
            part.is_last = False
            _check_first(name, part, is_first=is_first)
            yield part
            part, size, is_first = Slice(end=part.end, since=since), 0, False
    _check_first(name, part, is_first=is_first)
    yield part


def _check_first(name: str, part: Slice, *, is_first: bool) -> None:
    summary = part.summary
    if is_first and summary.rejected >= MAX_FIRST_REJECTS and summary.rejected == summary.read:
        problem = summary.reasons.most_common(1)[0][0]
        raise FileError(f"{name}: the first {summary.rejected:,} rows are all bad: {problem}.")


def store(services: Services, project: str, part: Slice, kind: str, running: RunningImport) -> None:
    """Stores the records of a slice, items before events, and counts what was not just stored.

    Args:
        services: where to store them.
        project: the project.
        part: the slice.
        kind: the kind of the file.
        running: the import.
    """
    for kind_ in (ITEMS, USERS):
        facts = facts_of(record for record in part.records if record.kind == kind_)
        written = _written(services, project, kind_, facts.by_record.values(), running)
        if kind != BOTH:
            _count(part.summary, kind_, facts, written)
    events = (record.body for record in part.records if record.kind == EVENTS)
    erased = len(_written(services, project, EVENTS, events, running).erased)
    part.summary.skipped += erased
    part.summary.records[EVENTS] -= erased


def check(part: Slice, kind: str) -> None:
    """Counts the records of a slice as `store` does if none of them is stored yet."""
    for kind_ in (ITEMS, USERS):
        if kind != BOTH:
            _count(part.summary, kind_, facts_of(record for record in part.records if record.kind == kind_), Written())


def _written(services: Services, project: str, kind: str, records: Iterable[Any], running: RunningImport) -> Written:
    with BatchWriter(services, project, kind, running) as writer:
        for record in records:
            writer.add(record)
        writer.finish()
    return writer.written


def _count(summary: Summary, kind: str, facts: SliceFacts, written: Written) -> None:
    """Counts rows, and as loaded records the items or users that they changed, once for all of their rows."""
    summary.unchanged += sum(
        facts.rows[name] if name in written.unchanged else equal for name, equal in facts.equal.items()
    )
    summary.repeated += facts.rows.total() - len(facts.rows) + len(written.again)
    erased = {fact.record_id for fact in written.erased}
    summary.skipped += sum(facts.rows[name] - facts.equal[name] for name in erased)
    summary.records[kind] += len(facts.rows.keys() - written.unchanged - written.again - erased) - facts.rows.total()


def _is_older(record: Record, since: datetime) -> bool:
    """Whether a record is an event from before a time."""
    return record.kind == EVENTS and record.body.timestamp is not None and record.body.timestamp < since


def _reject(row: FileRow, reason: Reason) -> bytes:
    shown = _shown(row.text) if row.error else {name: _shown(value) for name, value in row.fields.items()}
    return orjson.dumps({"line": row.number, "reason": reason.text, "row": shown}, default=str) + b"\n"


def _shown(value: object) -> object:
    if isinstance(value, bytes):
        value = repr(value)
    return value[:MAX_REJECT_CHARACTERS] if isinstance(value, str) else value
