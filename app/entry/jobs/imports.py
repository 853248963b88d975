"""Imports events, items and users: whole files from the command line, or the file of a job step by step."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path

from app.domain.jobs import ImportCheckpoint, ImportRequest, Job, JobState
from app.entry.files import contents, dialects
from app.entry.files.cells.column_types import ColumnTypes
from app.entry.files.reader import Options, Reader
from app.entry.files.rows import FileError, FileRow, Place
from app.entry.files.streams import BLOCK_BYTES
from app.entry.jobs import slices
from app.entry.jobs.batch_writer import RunningImport
from app.entry.jobs.import_record import ImportRecord
from app.entry.jobs.rejects import RejectFile
from app.entry.jobs.summary import Summary
from app.services.bundle import Services
from app.services.jobs import file_name, upload_name

IMPORT_ID_BYTES = 8
SCAN_SLICES = 8
"""How many times more than a slice a step reads if it only looks at the types of the columns."""

ImportProgress = Callable[[float, Summary], None]
"""Called with the share of the file that was read, and the counts so far."""


@dataclass(frozen=True)
class ImportOutcome:
    import_id: str | None
    """None if nothing was stored."""
    summary: Summary
    notes: list[str]
    rejects: Path | None = None


def run(
    services: Services | None,
    project: str,
    path: Path,
    reader: Reader,
    types: ColumnTypes,
    progress: ImportProgress,
) -> ImportOutcome:
    """Loads a file. Loading it again changes nothing: the same rows are written again.

    Args:
        services: where to store the records. None checks them only.
        project: the project.
        path: the file; rejected rows are written beside it.
        reader: its reader.
        types: the types of its columns.
        progress: reports the progress.

    Raises:
        FileError: the file cannot be read, or its first rows are all bad.
    """
    summary, running, record, most_rows, kept_since = Summary(), None, None, 0, None
    if services is not None:
        now = services.clock.now()
        running, most_rows = RunningImport(import_id_of(reader), now, now), services.events.batch_size
        kept_since = services.events.kept_since()
    with closing(reader.rows(Place())) as raw, RejectFile(path) as rejects:
        rows = reader.checked(raw, types)
        parts = slices.sliced(reader.name, rows, Place(), is_first=True, most_rows=most_rows, since=kept_since)
        for part in parts:
            if services is None or running is None:
                slices.check(part, reader.plan.kind)
            else:
                running = replace(running, since=services.clock.now())
                record = record or ImportRecord(services, project, path.name, reader, running.import_id)
                slices.store(services, project, part, reader.plan.kind, running)
                rejects.write(part.rejects)
            summary.add(part.summary)
            progress(1.0 if part.is_last else reader.progress_at(part.end), summary)
    notes = reader.notes(types, summary.marks, summary.read)
    if rejects.note is not None:
        notes.append(rejects.note)
    if record is not None:
        record.end(summary, notes)
    return ImportOutcome(running.import_id if running else None, summary, notes, rejects.path)


def import_id_of(reader: Reader) -> str:
    """Returns an id that is the same whenever the same file is imported with the same options."""
    options = repr(replace(reader.options, is_in_folder=False))
    digest = blake2b(options.encode(), digest_size=IMPORT_ID_BYTES)
    with reader.content.open() as file:
        for block in iter(partial(file.read, BLOCK_BYTES), b""):
            digest.update(block)
    return f"i{digest.hexdigest()}"


def options_of(request: ImportRequest) -> Options:
    """The options of a job."""
    return Options(
        request.records,
        request.columns,
        request.encoding,
        request.time_unit,
        request.event_type,
        request.date_format,
        request.decimal,
        in_job=True,
    )


@dataclass
class _Reading:
    """An open file between two steps of a job."""

    reader: Reader
    types: ColumnTypes
    rows: Generator[FileRow, None, None]
    checkpoint: ImportCheckpoint
    """Where the rows continue."""
    parts: Iterator[slices.Slice] | None = None


class ImportSteps:
    """The steps of an import in one process.

    It keeps the file open from step to step, so that a packed file is unpacked once; another process continues at the
    checkpoint.
    """

    def __init__(self, services: Services, project: str) -> None:
        self._services, self._project = services, project
        self._reading: _Reading | None = None

    def step(self, job: Job) -> Job:
        """Reads the types of the columns, or loads the next slice. Repeating a step has the same effect.

        Raises:
            FileError: the file cannot be read, or its first rows are all bad.
        """
        assert isinstance(job.checkpoint, ImportCheckpoint)  # noqa: S101 - an import's
        reading, self._reading = self._resumed(job), None
        is_scan = reading.reader.needs_types and not job.checkpoint.has_types
        try:
            result = self._scan(job, reading) if is_scan else self._load(job, reading)
        except Exception:
            reading.rows.close()
            raise
        assert isinstance(result.checkpoint, ImportCheckpoint)  # noqa: S101 - as above
        reading.checkpoint = result.checkpoint
        if result.state is JobState.RUNNING:
            self._reading = reading
        return result

    def _resumed(self, job: Job) -> _Reading:
        checkpoint = job.checkpoint
        assert isinstance(checkpoint, ImportCheckpoint)  # noqa: S101 - as above
        if self._reading is not None and self._reading.checkpoint == checkpoint:
            return self._reading
        request, objects = job.request, self._services.jobs.objects
        assert isinstance(request, ImportRequest)  # noqa: S101 - as above
        content = contents.of_upload(objects, upload_name(self._project, job), checkpoint.size)
        reader = Reader(content, options_of(request))
        if request.format is not None and dialects.FORMATS[request.format] != reader.format:
            raise FileError(f"The file is not {request.format}. Leave `format` out to recognize it by its content.")
        rows = reader.rows(Place(checkpoint.position, checkpoint.line))
        return _Reading(reader, reader.new_types(checkpoint.cells), rows, checkpoint)

    def _scan(self, job: Job, reading: _Reading) -> Job:
        checkpoint, size = reading.checkpoint, 0
        end, is_last = Place(checkpoint.position, checkpoint.line), True
        for row in reading.rows:
            reading.types.see(row)
            end, size = row.end, size + row.size
            if size >= SCAN_SLICES * slices.SLICE_BYTES:
                is_last = False
                break
        if is_last:
            end = Place()
            reading.rows = reading.reader.rows(end)
        following = replace(
            checkpoint, position=end.position, line=end.line, cells=deepcopy(reading.types.cells), has_types=is_last
        )
        return replace(job, checkpoint=following, progress=0.0)

    def _load(self, job: Job, reading: _Reading) -> Job:
        checkpoint, reader = reading.checkpoint, reading.reader
        start, summary = Place(checkpoint.position, checkpoint.line), Summary.of(checkpoint.summary)
        if reading.parts is None:
            rows = reader.checked(reading.rows, reading.types)
            events = self._services.events
            reading.parts = slices.sliced(
                reader.name,
                rows,
                start,
                is_first=not summary.read,
                most_rows=events.batch_size,
                since=events.kept_since(),
            )
        part = next(reading.parts)
        since = datetime.fromisoformat(checkpoint.stored_at) if checkpoint.stored_at else job.created_at
        running = RunningImport(job.job_id, job.created_at, since)
        slices.store(self._services, self._project, part, reader.plan.kind, running)
        if part.rejects:
            name = f"rejects-{checkpoint.position:014}.jsonl"
            self._services.jobs.objects.write(file_name(self._project, job, name), b"".join(part.rejects))
        summary.add(part.summary)
        following = replace(
            checkpoint,
            position=part.end.position,
            line=part.end.line,
            stored_at=self._services.clock.now().isoformat(),
            summary=summary.facts(),
            records=reader.plan.kind,
            ignored=dict(reader.plan.ignored),
            notes=reader.notes(reading.types, summary.marks, summary.read),
        )
        state, detail = job.state, job.detail
        if part.is_last:
            state, detail = (JobState.FAILED, summary.failure) if summary.failure else (JobState.SUCCEEDED, detail)
        progress = 1.0 if part.is_last else reader.progress_at(part.end)
        return replace(
            job, state=state, detail=detail, checkpoint=following, progress=progress, counts=summary.counts()
        )
