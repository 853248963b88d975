"""Importing files: good rows are stored, bad ones are written down with their line and reason."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import orjson
import stamina
from pydantic import TypeAdapter, ValidationError

from app.api.deps import Services
from app.api.schemas import MAX_EVENTS, MAX_RECORDS, BatchItem, BatchUser, EventIn
from app.entry import files
from app.entry.files import FileError, Row, Source
from app.errors import Erased, Unavailable

WRITERS = 4
PATIENCE = timedelta(minutes=2)
BODIES: dict[str, type[EventIn | BatchItem | BatchUser]] = {"events": EventIn, "items": BatchItem, "users": BatchUser}
FEW_REJECTS = 100

Progress = Callable[[Source, int, int, int], None]
"""Called with the source, the position in it, and the rows loaded and rejected so far."""


@dataclass
class Outcome:
    loaded: int = 0
    rejected: int = 0
    rejects: Path | None = None


def run(services: Services, project: str, source: Source, rejects: Path, progress: Progress) -> Outcome:
    """Load a source. Running it again changes nothing: rows that are there already are written as they are.

    Raises:
        FileError: the file cannot be read, or not one of its first hundred rows is good.
    """
    outcome = Outcome()
    size = MAX_EVENTS if source.kind == "events" else MAX_RECORDS
    with ThreadPoolExecutor(WRITERS) as threads, _Rejects(rejects) as bad:
        pending: set[Future[None]] = set()
        batch: list[Any] = []
        for row, record in checked(source):
            if isinstance(record, str):
                bad.write(row, record)
                outcome.rejected += 1
                if outcome.rejected == FEW_REJECTS and not outcome.loaded and not batch:
                    raise FileError(f"None of the first {FEW_REJECTS} rows of {source.path.name} is good: {record}.")
            else:
                batch.append(record)
            if len(batch) == size:
                pending = _submitted(threads, pending, services, project, source.kind, batch)
                outcome.loaded += len(batch)
                batch = []
                progress(source, row.position, outcome.loaded, outcome.rejected)
        if batch:
            pending = _submitted(threads, pending, services, project, source.kind, batch)
            outcome.loaded += len(batch)
        for future in pending:
            future.result()
    outcome.rejects = rejects if outcome.rejected else None
    progress(source, source.size, outcome.loaded, outcome.rejected)
    return outcome


def checked(source: Source) -> Iterator[tuple[Row, Any]]:
    """Each row with its record, or with the reason why it is bad; the rules are those of the API."""
    adapter = TypeAdapter(BODIES[source.kind])
    for row in files.rows(source):
        if row.error:
            yield row, row.error
            continue
        fields = row.fields
        if source.kind == "events":
            fields = {"event_type": "view", **fields}
        try:
            yield row, adapter.validate_python(fields)
        except ValidationError as error:
            yield row, "; ".join(f"{one['loc'][0] if one['loc'] else 'row'}: {one['msg']}" for one in error.errors())


def _submitted(
    threads: ThreadPoolExecutor,
    pending: set[Future[None]],
    services: Services,
    project: str,
    kind: str,
    batch: list[Any],
) -> set[Future[None]]:
    """Hand a batch to a writer; wait while all are busy, and raise what one of them raised."""
    while len(pending) >= WRITERS:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
    return pending | {threads.submit(_store, services, project, kind, batch)}


def _store(services: Services, project: str, kind: str, batch: list[Any]) -> None:
    """Store a batch, but nothing of erased users, with patience: a slow database must not end an import of hours."""
    now = services.clock()
    for attempt in stamina.retry_context(
        on=Unavailable, attempts=None, timeout=PATIENCE, wait_max=timedelta(seconds=5)
    ):
        with attempt:
            try:
                _put(services, project, kind, batch, now)
            except Erased as error:  # a file may still name users who were erased; they stay so
                others = [record for place, record in enumerate(batch) if place not in error.positions]
                if others:
                    _put(services, project, kind, others, now)


def _put(services: Services, project: str, kind: str, batch: list[Any], now: datetime) -> None:
    if kind == "events":
        services.events.accept(project, [event.record(event.owner, now) for event in batch])
    elif kind == "items":
        services.catalog.put_items(project, [item.record(item.item_id) for item in batch])
    else:
        services.catalog.put_users(project, [user.record(user.user_id) for user in batch])


class _Rejects:
    """A JSON Lines file of bad rows, made when there is the first one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def __enter__(self) -> Self:
        self._path.unlink(missing_ok=True)
        return self

    def write(self, row: Row, reason: str) -> None:
        if self._file is None:
            self._file = self._path.open("wb")
        self._file.write(orjson.dumps({"line": row.number, "reason": reason, "row": row.fields}, default=str) + b"\n")

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
