"""Importing a file, or a slice of a job's: good rows are stored, bad ones written down with their line and reason."""

import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import orjson
import stamina
from pydantic import TypeAdapter, ValidationError

from app.api.schemas.records import MAX_EVENTS, MAX_RECORDS, BatchItem, BatchUser, EventIn
from app.deadline import within
from app.domain.jobs import Job, JobState
from app.entry.jobs import file_formats, file_rows
from app.entry.jobs.file_formats import Source
from app.entry.jobs.file_rows import FileError, FileRow
from app.errors import Cancelled, Erased, Unavailable
from app.services.bundle import Services
from app.services.jobs import UPLOAD, file_name

WRITERS = 4
PATIENCE = timedelta(minutes=2)
BODIES: dict[str, type[EventIn | BatchItem | BatchUser]] = {"events": EventIn, "items": BatchItem, "users": BatchUser}
FEW_REJECTS = 100
SLICE_BYTES = 1024 * 1024
BOM = "\ufeff".encode()


Progress = Callable[[Source, int, int, int], None]
"""Called with the source, the position in it, and the rows loaded and rejected so far."""


@dataclass
class ImportOutcome:
    loaded: int = 0
    rejected: int = 0
    rejects: Path | None = None


class _Loading:
    """Rows of one kind on their way into the database, a few batches at a time."""

    def __init__(self, services: Services, project: str, kind: str, now: datetime) -> None:
        """`now` is the time of events that have none."""
        self._services, self._project, self._kind, self._now = services, project, kind, now
        self._size = MAX_EVENTS if kind == "events" else MAX_RECORDS
        self._threads = ThreadPoolExecutor(WRITERS)
        self._pending: set[Future[None]] = set()
        self._batch: list[Any] = []
        self.loaded = 0
        """Rows that were handed to a writer."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    @property
    def accepted(self) -> int:
        return self.loaded + len(self._batch)

    def add(self, record: Any) -> bool:  # noqa: ANN401 - one of three models
        """Returns whether that began to store a batch."""
        self._batch.append(record)
        if len(self._batch) < self._size:
            return False
        self._submit()
        return True

    def finish(self) -> None:
        """Everything is stored when this returns."""
        if self._batch:
            self._submit()
        for future in self._pending:
            future.result()

    def _submit(self) -> None:
        """Hand the batch to a writer; wait while all are busy, and raise what one of them raised."""
        while len(self._pending) >= WRITERS:
            done, self._pending = wait(self._pending, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
        self._pending.add(self._threads.submit(copy_context().run, self._store, self._batch))
        self.loaded += len(self._batch)
        self._batch = []

    def _store(self, batch: list[Any]) -> None:
        """Store a batch, but nothing of erased users, with patience: slow database, long import."""
        for attempt in stamina.retry_context(
            on=Unavailable, attempts=None, timeout=PATIENCE, wait_max=timedelta(seconds=5)
        ):
            with attempt, within(self._services.settings.request_deadline_seconds):
                if not self._services.access.is_active(self._project):
                    raise Cancelled("The project is being deleted.")
                try:
                    self._put(batch)
                except Erased as error:  # a file may still name users who were erased; they stay so
                    others = [record for place, record in enumerate(batch) if place not in error.positions]
                    if others:
                        self._put(others)

    def _put(self, batch: list[Any]) -> None:
        services, project = self._services, self._project
        if self._kind == "events":
            services.events.accept(project, [event.record(event.owner, self._now) for event in batch])
        elif self._kind == "items":
            services.catalog.put_items(project, [item.record(item.item_id) for item in batch])
        else:
            services.catalog.put_users(project, [user.record(user.user_id) for user in batch])


def run(services: Services, project: str, source: Source, rejects: Path, progress: Progress) -> ImportOutcome:
    """Load a source. Running it again changes nothing: rows that are there already are written as they are.

    Raises:
        FileError: the file cannot be read, or not one of its first hundred rows is good.
    """
    outcome = ImportOutcome()
    with _Loading(services, project, source.kind, services.clock()) as loading, _Rejects(rejects) as bad:
        for row, record in checked(source.kind, file_formats.rows(source)):
            if isinstance(record, str):
                bad.write(row, record)
                outcome.rejected += 1
                if outcome.rejected == FEW_REJECTS and not loading.accepted:
                    raise FileError(_none_is_good(source.path.name, record))
            elif loading.add(record):
                progress(source, row.position, loading.loaded, outcome.rejected)
        loading.finish()
    outcome.loaded = loading.loaded
    outcome.rejects = rejects if outcome.rejected else None
    progress(source, source.size, outcome.loaded, outcome.rejected)
    return outcome


def step(services: Services, project: str, job: Job) -> Job:
    """Load the next slice of a job's file; the same slice has the same effect again.

    Raises:
        FileError: the file cannot be read, or not one of its first hundred rows is good.
    """
    objects, kind = services.jobs.objects, str(job.request["records"])
    position, size = int(job.place.get("position", 0)), int(job.place["size"])
    if not size:
        raise FileError("The file is empty.")
    content = objects.read(file_name(project, job, UPLOAD), position, SLICE_BYTES)
    is_last = position + len(content) >= size
    rows, place = _slice(job, content, is_last=is_last)
    loaded = job.counts.get("loaded", 0)
    good: list[Any] = []
    rejects: list[bytes] = []
    for row, record in checked(kind, file_formats.named(rows, kind, job.request["columns"])):
        if not isinstance(record, str):
            good.append(record)
            continue
        rejects.append(_reject(row, record))
        if len(rejects) == FEW_REJECTS and not loaded + len(good):
            raise FileError(_none_is_good("the file", record))
    with _Loading(services, project, kind, job.created_at) as loading:
        for record in _last_ones(kind, good):
            loading.add(record)
        loading.finish()
    if rejects:
        objects.write(file_name(project, job, f"rejects-{position:014}.jsonl"), b"".join(rejects))
    return replace(
        job,
        state=JobState.SUCCEEDED if is_last else job.state,
        place={**job.place, **place},
        progress=place["position"] / size,
        counts={"loaded": loaded + len(good), "rejected": job.counts.get("rejected", 0) + len(rejects)},
    )


def _last_ones(kind: str, records: Sequence[Any]) -> Collection[Any]:
    """Of several records of one item or user the last one, because batches are stored side by side."""
    if kind == "events":
        return records
    return {getattr(one, "item_id", None) or one.user_id: one for one in records}.values()


def _slice(job: Job, content: bytes, *, is_last: bool) -> tuple[list[FileRow], dict[str, Any]]:
    """The whole rows of a slice, and where the next one begins. Its last row may go on there, unless it is the last."""
    position, line = int(job.place.get("position", 0)), int(job.place.get("line", 0))
    skipped = len(BOM) if not position and content.startswith(BOM) else 0
    content = content[skipped : None if is_last else content.rfind(b"\n") + 1]
    if job.request["format"] == "csv":
        rows, place = _csv_slice(job, content)
    else:
        rows, place = list(file_rows.of_json(io.BytesIO(content))), {}
    if not is_last:
        if len(rows) <= 1:
            raise FileError(f"The row that begins at line {line + 1} is longer than {SLICE_BYTES:,} bytes.")
        rows.pop()
    end = FileRow(0, {}, None, len(content)) if is_last else rows[-1]
    place |= {"position": position + skipped + end.position, "line": line + end.number}
    return [replace(row, number=line + row.number) for row in rows], place


def _csv_slice(job: Job, content: bytes) -> tuple[list[FileRow], dict[str, Any]]:
    try:
        text = io.StringIO(content.decode(), newline="")
    except UnicodeDecodeError as error:
        raise FileError("The file is not UTF-8 text, which a CSV must be.") from error
    rows = file_rows.CsvRows("The file", text, job.place.get("header"))
    names = {job.request["columns"].get(name, name) for name in rows.header}
    if file_formats.kind_of(names, job.request["records"]) is None:
        raise FileError(f"The file {file_formats.lacking(names)} Name yours in `columns`.")
    return list(rows), {"header": rows.header}


def checked(kind: str, rows: Iterable[FileRow]) -> Iterator[tuple[FileRow, Any]]:
    """Each row with its record, or with the reason why it is bad; the rules are those of the API."""
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
            yield row, "; ".join(f"{one['loc'][0] if one['loc'] else 'row'}: {one['msg']}" for one in error.errors())


def _none_is_good(name: str, reason: str) -> str:
    return f"None of the first {FEW_REJECTS} rows of {name} is good: {reason}."


def _reject(row: FileRow, reason: str) -> bytes:
    return orjson.dumps({"line": row.number, "reason": reason, "row": row.fields}, default=str) + b"\n"


class _Rejects:
    """A JSON Lines file of bad rows, made when there is the first one."""

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
