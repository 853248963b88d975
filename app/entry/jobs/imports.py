"""Imports events, items and users: whole files from the command line, or the file of a job slice by slice."""

import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import orjson
from pydantic import TypeAdapter, ValidationError

from app.api.http import validation
from app.api.schemas.events import EventIn
from app.api.schemas.items import BatchItem
from app.api.schemas.users import BatchUser
from app.domain.jobs import ImportCheckpoint, ImportRequest, Job, JobState
from app.entry.jobs import file_formats, file_rows
from app.entry.jobs.batch_writer import BatchWriter
from app.entry.jobs.file_formats import Source
from app.entry.jobs.file_rows import FileError, FileRow
from app.services.bundle import Services
from app.services.jobs import UPLOAD, file_name

BODIES: dict[str, type[EventIn | BatchItem | BatchUser]] = {"events": EventIn, "items": BatchItem, "users": BatchUser}
MAX_FIRST_REJECTS = 100
"""An import fails if this many rows at its beginning are all bad."""
SLICE_BYTES = 1024 * 1024
BOM = "\ufeff".encode()

ImportProgress = Callable[[Source, int, int, int], None]
"""Called with the source, the position in it, and the rows loaded and rejected so far."""


@dataclass
class ImportOutcome:
    loaded: int = 0
    rejected: int = 0
    rejects: Path | None = None


def run(services: Services, project: str, source: Source, rejects: Path, progress: ImportProgress) -> ImportOutcome:
    """Loads a source. Loading it again changes nothing: the same rows are written again.

    Raises:
        FileError: the file cannot be read, or its first hundred rows are all bad.
    """
    outcome = ImportOutcome()
    now = services.clock.now()
    with BatchWriter(services, project, source.kind, now) as writer, _RejectFile(rejects) as reject_file:
        for row, record in checked(source.kind, file_formats.rows(source)):
            if isinstance(record, str):
                reject_file.write(row, record)
                outcome.rejected += 1
                if outcome.rejected == MAX_FIRST_REJECTS and not writer.added:
                    raise FileError(_all_bad(source.path.name, record))
            elif writer.add(record):
                progress(source, row.position, writer.submitted, outcome.rejected)
        writer.finish()
    outcome.loaded = writer.submitted
    outcome.rejects = rejects if outcome.rejected else None
    progress(source, source.size, outcome.loaded, outcome.rejected)
    return outcome


def step(services: Services, project: str, job: Job) -> Job:
    """Loads the next slice of a job's file. Repeating the step has the same effect.

    Raises:
        FileError: the file cannot be read, or its first hundred rows are all bad.
    """
    request, checkpoint, objects = job.request, job.checkpoint, services.jobs.objects
    assert isinstance(request, ImportRequest)  # noqa: S101 - an import's
    assert isinstance(checkpoint, ImportCheckpoint)  # noqa: S101
    if not checkpoint.size:
        raise FileError("The file is empty.")
    content = objects.read(file_name(project, job, UPLOAD), checkpoint.position, SLICE_BYTES)
    is_last = checkpoint.position + len(content) >= checkpoint.size
    rows, following = _slice(request, checkpoint, content, is_last=is_last)
    loaded = job.counts.get("loaded", 0)
    records: list[Any] = []
    rejects: list[bytes] = []
    for row, record in checked(request.records, file_formats.named(rows, request.records, request.columns)):
        if not isinstance(record, str):
            records.append(record)
            continue
        rejects.append(_reject(row, record))
        if len(rejects) == MAX_FIRST_REJECTS and not loaded + len(records):
            raise FileError(_all_bad("the file", record))
    with BatchWriter(services, project, request.records, job.created_at) as writer:
        for record in _latest(request.records, records):
            writer.add(record)
        writer.finish()
    if rejects:
        objects.write(file_name(project, job, f"rejects-{checkpoint.position:014}.jsonl"), b"".join(rejects))
    return replace(
        job,
        state=JobState.SUCCEEDED if is_last else job.state,
        checkpoint=following,
        progress=following.position / checkpoint.size,
        counts={"loaded": loaded + len(records), "rejected": job.counts.get("rejected", 0) + len(rejects)},
    )


def _latest(kind: str, records: Sequence[Any]) -> Collection[Any]:
    """The last record of each item or user, because batches are stored in parallel; all events."""
    if kind == "events":
        return records
    return {getattr(record, "item_id", None) or record.user_id: record for record in records}.values()


def _slice(
    request: ImportRequest, checkpoint: ImportCheckpoint, content: bytes, *, is_last: bool
) -> tuple[list[FileRow], ImportCheckpoint]:
    """The whole rows of a slice, and the checkpoint after them.

    The last row is left to the next slice unless this is the last one: it may continue there.
    """
    position, line = checkpoint.position, checkpoint.line
    skipped = len(BOM) if not position and content.startswith(BOM) else 0
    content = content[skipped : None if is_last else content.rfind(b"\n") + 1]
    if request.format == "csv":
        csv_rows = _csv_rows(request, checkpoint, content)
        rows, header = list(csv_rows), csv_rows.header
    else:
        rows, header = list(file_rows.of_json(io.BytesIO(content))), None
    if not is_last:
        if len(rows) <= 1:
            raise FileError(f"The row that begins at line {line + 1} is longer than {SLICE_BYTES:,} bytes.")
        rows.pop()
    end = FileRow(0, {}, None, len(content)) if is_last else rows[-1]
    following = replace(checkpoint, position=position + skipped + end.position, line=line + end.number, header=header)
    return [replace(row, number=line + row.number) for row in rows], following


def _csv_rows(request: ImportRequest, checkpoint: ImportCheckpoint, content: bytes) -> file_rows.CsvRows:
    try:
        text = io.StringIO(content.decode(), newline="")
    except UnicodeDecodeError as error:
        raise FileError("The file is not UTF-8 text, which a CSV file must be.") from error
    rows = file_rows.CsvRows("The file", text, checkpoint.header)
    names = {request.columns.get(name, name) for name in rows.header}
    if file_formats.kind_of(names, request.records) is None:
        raise FileError(f"The file {file_formats.lacking(names)} Name yours in `columns`.")
    return rows


def checked(kind: str, rows: Iterable[FileRow]) -> Iterator[tuple[FileRow, Any]]:
    """Each row with its record, or with the reason why it is bad. The rules are the API's."""
    adapter = TypeAdapter(BODIES[kind])
    for row in rows:
        if row.error:
            yield row, row.error
            continue
        fields = row.fields
        if kind == "events":
            fields = {"event_type": "view", **fields}
        try:
            yield row, adapter.validate_python(fields)
        except ValidationError as error:
            yield row, validation.of_row(error.errors(), BODIES[kind])


def _all_bad(name: str, reason: str) -> str:
    return f"The first {MAX_FIRST_REJECTS} rows of {name} are all bad: {reason}."


def _reject(row: FileRow, reason: str) -> bytes:
    return orjson.dumps({"line": row.number, "reason": reason, "row": row.fields}, default=str) + b"\n"


class _RejectFile:
    """A JSON Lines file of bad rows, created with the first of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        return self

    def write(self, row: FileRow, reason: str) -> None:
        if self._file is None:
            self._file = self._path.open("wb")
        self._file.write(_reject(row, reason))

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
