"""Slices of a file's rows: small enough for memory and for one step of a job. Storing a slice again changes nothing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from app.api.schemas.events import EventIn
from app.entry.files import reasons
from app.entry.files.layouts.layout import BOTH, EVENTS, ITEMS, USERS
from app.entry.files.reasons import Reason
from app.entry.files.records import HEADER, CheckedRow, Record
from app.entry.files.rows import FileError, FileRow, Place
from app.entry.jobs.batch_writer import BatchWriter
from app.entry.jobs.summary import Summary
from app.services.bundle import Services
from app.services.items import Facts

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

    summary: Summary = field(default_factory=Summary)
    records: list[Record] = field(default_factory=list)
    rejects: list[bytes] = field(default_factory=list)
    """JSON Lines with the rejected rows."""
    end: Place = field(default_factory=Place)
    is_last: bool = True
    _events: dict[tuple[Any, ...], tuple[Any, ...]] = field(default_factory=dict)
    """The content of each event by its identity."""

    def add(self, checked: CheckedRow) -> None:
        row, records, reason = checked
        self.summary.read += 1
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
            self.summary.marks[HEADER] += row.is_header

    def _is_taken(self, event: EventIn) -> bool:
        """Whether the id of an event belongs to another event of the user at that time. Counts repeated events."""
        content = (event.item_id, event.event_type, event.value)
        identity = (event.owner, event.timestamp, *(content if event.event_id is None else (event.event_id,)))
        before = self._events.setdefault(identity, content)
        if before is not content:
            self.summary.repeated += before == content
        return before != content


def sliced(
    name: str, rows: Iterable[CheckedRow], start: Place, *, is_first: bool, most_rows: int = 0
) -> Iterator[Slice]:
    """Yields the rows in slices; the last slice may be empty.

    Args:
        name: the name of the file.
        rows: its rows.
        start: the place before them.
        is_first: whether no rows were loaded before.
        most_rows: the size of a batch, which a slice must be able to fill.

    Raises:
        FileError: the first hundred rows are all bad.
    """
    part, size, most_rows = Slice(end=start), 0, max(most_rows, SLICE_ROWS)
    for checked in rows:
        part.add(checked)
        size += checked.row.size
        if size >= SLICE_BYTES or part.summary.read >= most_rows:
            part.is_last = False
            _check_first(name, part, is_first=is_first)
            yield part
            part, size, is_first = Slice(end=part.end), 0, False
    _check_first(name, part, is_first=is_first)
    yield part


def _check_first(name: str, part: Slice, *, is_first: bool) -> None:
    summary = part.summary
    if is_first and summary.rejected >= MAX_FIRST_REJECTS and summary.rejected == summary.read:
        problem = summary.reasons.most_common(1)[0][0]
        raise FileError(f"{name}: the first {summary.rejected:,} rows are all bad: {problem}.")


def store(services: Services, project: str, part: Slice, kind: str, since: datetime, import_id: str) -> None:
    """Stores the records of a slice, items before events, and counts those that were already stored.

    Args:
        services: where to store them.
        project: the project.
        part: the slice.
        kind: the kind of the file.
        since: when the import began; what changed after that was changed by it.
        import_id: the id of the import, which its records carry.
    """
    by_kind: dict[str, list[Any]] = {EVENTS: [], ITEMS: [], USERS: []}
    for record in part.records:
        by_kind[record.kind].append(record if kind == BOTH and record.kind == ITEMS else record.body)

    def put(kind_: str, records: Iterable[Any]) -> None:
        with BatchWriter(services, project, kind_, since, import_id) as writer:
            for record in records:
                writer.add(record)
            writer.finish()
        _count(part.summary, kind_, writer)

    if kind == BOTH:
        put("facts", facts_of(by_kind.pop(ITEMS)))
    else:
        put(ITEMS, _latest("item_id", by_kind.pop(ITEMS)))
    put(USERS, _latest("user_id", by_kind.pop(USERS)))
    put(EVENTS, by_kind.pop(EVENTS))


def _count(summary: Summary, kind: str, writer: BatchWriter) -> None:
    if kind in {ITEMS, USERS}:
        summary.unchanged += writer.unchanged
        summary.records[kind] -= writer.unchanged
    if kind != "facts":
        summary.skipped += writer.erased
        summary.records[kind] -= writer.erased


def _latest(name: str, records: Iterable[Any]) -> Iterable[Any]:
    """The last record of each item or user, because batches are stored in parallel."""
    return {getattr(record, name): record for record in records}.values()


def facts_of(records: Iterable[Record]) -> list[Facts]:
    """Returns the facts of each item in a file of events.

    The last ones count; those of rows without an owner only if there are no others, because such rows are corrections
    in sales exports.
    """
    facts: dict[str, Facts] = {}
    for record in records:
        body = record.body
        before = facts.get(body.item_id)
        if record.is_anonymous and before is not None:
            continue
        item = body.record(body.item_id)
        changes = {name: getattr(item, name) for name in body.model_fields_set - {"item_id"}}
        if before is not None and not before.only_if_new:
            changes = _merged(before.changes, changes)
        facts[body.item_id] = Facts(body.item_id, changes, record.is_anonymous)
    return list(facts.values())


def _merged(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    properties = {**before.get("properties", {}), **after.get("properties", {})}
    return {**before, **after, **({"properties": properties} if properties else {})}


def _reject(row: FileRow, reason: Reason) -> bytes:
    shown = _shown(row.text) if row.error else {name: _shown(value) for name, value in row.fields.items()}
    return orjson.dumps({"line": row.number, "reason": reason.text, "row": shown}, default=str) + b"\n"


def _shown(value: object) -> object:
    if isinstance(value, bytes):
        value = repr(value)
    return value[:MAX_REJECT_CHARACTERS] if isinstance(value, str) else value
