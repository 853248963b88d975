"""Writes records of one kind to the database in batches, a few at a time."""

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

import stamina

from app.api.schemas.records import MAX_EVENTS, MAX_RECORDS
from app.deadline import within
from app.domain.fields import ImportMark
from app.entry.files.layouts.layout import EVENTS, ITEMS
from app.errors import Cancelled, Conflict, Erased, Unavailable
from app.services.bundle import Services
from app.services.merging import Facts, Merged

WRITERS = 4
BATCH_SECONDS = 120.0
"""Nobody waits for a batch, so it may take longer than a request."""
RETRY_TIMEOUT = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class RunningImport:
    """An import that stores the next slice of its file."""

    import_id: str
    began_at: datetime
    since: datetime
    """When the slice before was stored: what was changed after that was changed by this slice."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of records that were not just stored."""

    unchanged: set[str] = field(default_factory=set)
    """Items or users that had the same facts before. Events are not compared."""
    again: set[str] = field(default_factory=set)
    """Items or users that were created by earlier slices of the file."""
    erased: list[Any] = field(default_factory=list)
    """Records that belong to erased users."""

    def add(self, other: "Written") -> None:
        self.unchanged.update(other.unchanged)
        self.again.update(other.again)
        self.erased.extend(other.erased)


class BatchWriter:
    """Collects records into batches and stores these from several threads."""

    def __init__(self, services: Services, project: str, kind: str, running: RunningImport) -> None:
        """Writes events, or facts of items or users."""
        self._services, self._project, self._kind, self._running = services, project, kind, running
        size = services.events.batch_size
        self._size = size if kind == EVENTS or size > MAX_EVENTS else MAX_RECORDS
        self._writers = 1 if self._size > MAX_EVENTS else WRITERS
        self._threads = ThreadPoolExecutor(self._writers)
        self._pending: set[Future[Written]] = set()
        self._batch: list[Any] = []
        self.written = Written()
        """Of the batches that have ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def add(self, record: Any) -> None:  # noqa: ANN401 - a body of an event, or facts
        self._batch.append(record)
        if len(self._batch) == self._size:
            self._submit()

    def finish(self) -> None:
        """Stores the last batch and waits for all others."""
        if self._batch:
            self._submit()
        for future in self._pending:
            self.written.add(future.result())

    def _submit(self) -> None:
        """Hands the batch to a thread. Waits while all are busy, and raises what a batch raised."""
        while len(self._pending) >= self._writers:
            done, self._pending = wait(self._pending, return_when=FIRST_COMPLETED)
            for future in done:
                self.written.add(future.result())
        self._pending.add(self._threads.submit(copy_context().run, self._store, self._batch))
        self._batch = []

    def _store(self, batch: list[Any]) -> Written:
        """Stores a batch without records of erased users, and retries while the database is unavailable."""
        for attempt in stamina.retry_context(
            on=(Unavailable, Conflict), attempts=None, timeout=RETRY_TIMEOUT, wait_max=timedelta(seconds=5)
        ):
            with attempt, within(max(self._services.settings.request_deadline_seconds, BATCH_SECONDS)):
                if not self._services.access.is_active(self._project):
                    raise Cancelled("The project is being deleted.")
                try:
                    return self._put(batch)
                except Erased as error:  # a file may still name erased users; they stay erased
                    others = [record for position, record in enumerate(batch) if position not in error.positions]
                    written = self._put(others) if others else Written()
                    written.erased.extend(batch[position] for position in error.positions)
                    return written
        raise AssertionError("the last attempt returns or raises")

    def _put(self, batch: list[Any]) -> Written:
        services, project, running = self._services, self._project, self._running
        if self._kind == EVENTS:
            events = [event.record(event.owner, running.began_at) for event in batch]
            services.events.accept(project, events, running.import_id)
            return Written()
        mark = ImportMark(running.import_id)
        if self._kind == ITEMS:
            return _written(batch, services.items.merge_many(project, batch, mark), running)
        return _written(batch, services.users.merge_many(project, batch, mark), running)


def _written(batch: Sequence[Facts], merged: Merged[Any], running: RunningImport) -> Written:
    names = {facts.record_id for facts in batch} - merged.changed
    return Written(
        {name for name in names if merged.before[name].updated_at < running.since},
        {name for name, record in merged.before.items() if running.began_at <= record.created_at < running.since},
    )
