"""Writes records of one kind to the database in batches, a few at a time."""

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Self

import stamina

from app.api.schemas.batches import MAX_EVENTS, MAX_RECORDS
from app.deadline import within
from app.domain.fields import ImportMark
from app.errors import Cancelled, Erased, Unavailable
from app.services.bundle import Services

WRITERS = 4
BATCH_SECONDS = 120.0
"""Nobody waits for a batch, so it may take longer than a request."""
RETRY_TIMEOUT = timedelta(minutes=2)


class BatchWriter:
    """Collects records into batches and stores these from several threads."""

    def __init__(self, services: Services, project: str, kind: str, since: datetime, import_id: str) -> None:
        """Writes events, items, users, or facts of items; `since` is when the import began."""
        self._services, self._project, self._kind, self._since = services, project, kind, since
        self._mark = ImportMark(import_id)
        self._size = services.events.batch_size if kind == "events" else MAX_RECORDS
        self._writers = 1 if self._size > MAX_EVENTS else WRITERS
        self._threads = ThreadPoolExecutor(self._writers)
        self._pending: set[Future[tuple[int, int]]] = set()
        self._batch: list[Any] = []
        self.unchanged = 0
        """Records of finished batches that were stored before the import began; events are not compared."""
        self.erased = 0
        """Records of finished batches that belong to erased users."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def add(self, record: Any) -> None:  # noqa: ANN401 - a body, or facts of an item
        self._batch.append(record)
        if len(self._batch) == self._size:
            self._submit()

    def finish(self) -> None:
        """Stores the last batch and waits for all others."""
        if self._batch:
            self._submit()
        for future in self._pending:
            self._count(future)

    def _submit(self) -> None:
        """Hands the batch to a thread. Waits while all are busy, and raises what a batch raised."""
        while len(self._pending) >= self._writers:
            done, self._pending = wait(self._pending, return_when=FIRST_COMPLETED)
            for future in done:
                self._count(future)
        self._pending.add(self._threads.submit(copy_context().run, self._store, self._batch))
        self._batch = []

    def _count(self, future: Future[tuple[int, int]]) -> None:
        """Raises what the batch raised."""
        unchanged, erased = future.result()
        self.unchanged += unchanged
        self.erased += erased

    def _store(self, batch: list[Any]) -> tuple[int, int]:
        """Stores a batch without records of erased users, and retries while the database is unavailable.

        Returns how many records were unchanged, and how many belong to erased users.
        """
        for attempt in stamina.retry_context(
            on=Unavailable, attempts=None, timeout=RETRY_TIMEOUT, wait_max=timedelta(seconds=5)
        ):
            with attempt, within(max(self._services.settings.request_deadline_seconds, BATCH_SECONDS)):
                if not self._services.access.is_active(self._project):
                    raise Cancelled("The project is being deleted.")
                try:
                    return self._put(batch), 0
                except Erased as error:  # a file may still name erased users; they stay erased
                    others = [record for position, record in enumerate(batch) if position not in error.positions]
                    return (self._put(others) if others else 0), len(batch) - len(others)
        raise AssertionError("the last attempt returns or raises")

    def _put(self, batch: list[Any]) -> int:
        """Returns how many records were unchanged."""
        services, project = self._services, self._project
        if self._kind == "events":
            events = [event.record(event.owner, self._since) for event in batch]
            services.events.accept(project, events, self._mark.import_id)
            return 0
        if self._kind == "facts":
            services.items.merge_many(project, batch, self._mark)
            return 0
        if self._kind == "items":
            items = [replace(item.record(item.item_id), import_mark=self._mark) for item in batch]
            return len(batch) - services.items.put_many(project, items, self._since)
        users = [replace(user.record(user.user_id), import_mark=self._mark) for user in batch]
        return len(batch) - services.users.put_many(project, users, self._since)
