"""Applies the stream of events to counters, lists and pushes: Lambda's batches and those of the local follower.

Delivering a batch again, in whole or in part, changes nothing: counters remember the records they counted, lists are
built from the counters, and a push is sent only if the list differs from the one pushed last.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from time import time
from typing import Any, Protocol

from app import telemetry
from app.deadline import within
from app.domain.events import Change
from app.errors import Unavailable
from app.services.bundle import Services
from app.storage import stream
from app.telemetry import RequestLog

BATCH_SECONDS = 60.0
"""A batch that takes longer is returned for another delivery."""
PARALLEL_PUSHES = 4
UNREADABLE = (KeyError, ValueError, TypeError, AttributeError)

Record = Mapping[str, Any]


@dataclass
class _Batch:
    """One batch and its outcome so far."""

    records: Sequence[Record]
    changes: dict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    """By project."""
    returned: set[str] = field(default_factory=set)
    """Sequence numbers of the records to deliver again."""
    failures: int = 0
    pushes: int = 0

    def record(self, change: Change) -> Record:
        return next(record for record in self.records if record.get("eventID") == change.record_id)


class Sockets(Protocol):
    """The connections that watch users' lists."""

    def any_of(self, project: str) -> bool:
        """Whether a project may have live sockets."""

    def push(self, project: str, user_id: str) -> int:
        """Pushes a user's changed list; returns how many frames were sent."""


class Consumer:
    def __init__(self, services: Services, sockets: Sockets) -> None:
        self._services, self._sockets = services, sockets
        self._threads = ThreadPoolExecutor(PARALLEL_PUSHES, thread_name_prefix="push")

    def apply(self, records: Sequence[Record]) -> str | None:
        """Applies records of one shard, in order.

        A record that cannot be applied is stored as a failure and does not block the others.

        Returns:
            The sequence number from which the batch must be delivered again. None if everything was applied.
        """
        log = RequestLog(route="stream")
        with telemetry.logging_context(log), within(BATCH_SECONDS), telemetry.log_job(log):
            batch = _Batch(records)
            self._apply_batch(batch)
            telemetry.log_metrics(
                log.route or "",
                {
                    "records": len(records),
                    "failures": batch.failures,
                    "pushes": batch.pushes,
                    "event_to_list_ms": _lag(batch) * 1_000,
                },
                emf=self._services.settings.emf,
            )
        order = [_sequence(record) for record in records]
        return next((sequence for sequence in order if sequence in batch.returned), None)

    def succeeds(self, record: Record) -> bool:
        """Applies a record that failed before; returns whether that worked."""
        batch = _Batch([record])
        with within(BATCH_SECONDS):
            self._apply_batch(batch)
        return not batch.failures and not batch.returned

    def _apply_batch(self, batch: _Batch) -> None:
        for record in batch.records:
            self._read(batch, record)
        for project, changes in batch.changes.items():
            try:
                self._apply_project(batch, project, changes)
            except Unavailable:
                batch.returned |= {change.sequence for change in changes}

    def _read(self, batch: _Batch, record: Record) -> None:
        try:
            change = stream.change(record)
        except UNREADABLE as error:
            self._keep(batch, record, error)
            return
        if change is not None:
            batch.changes[change.project].append(change)

    def _apply_project(self, batch: _Batch, project: str, changes: Sequence[Change]) -> None:
        services = self._services
        if not services.access.is_active(project):
            return
        times: set[int] = set()
        counted = self._count(batch, project, changes, times)
        if not counted:
            return
        self._after(batch, counted, lambda: services.verdicts.apply(project, counted))
        self._after(batch, counted, lambda: self._refresh_lists(project, times))
        if not self._sockets.any_of(project):
            return
        users: dict[str, list[Change]] = defaultdict(list)
        for change in counted:
            users[change.user_id].append(change)
        pushing = {
            user_id: self._threads.submit(copy_context().run, self._sockets.push, project, user_id) for user_id in users
        }
        wait(pushing.values())
        for user_id, user_changes in users.items():
            self._after(batch, user_changes, partial(self._add_pushes, batch, pushing[user_id]))

    def _refresh_lists(self, project: str, times: set[int]) -> None:
        total = self._services.lists.changed(project, times)
        if total is not None:
            self._services.retraining.consider(project, total)

    def _count(self, batch: _Batch, project: str, changes: Sequence[Change], times: set[int]) -> Sequence[Change]:
        """Counts changes together, or one by one if that fails; returns the counted ones."""
        try:
            times |= self._services.counting.count(project, changes)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - no error may block the shard
            if len(changes) > 1:
                return [counted for change in changes for counted in self._count(batch, project, [change], times)]
            self._keep(batch, batch.record(changes[0]), error)
            return ()
        return changes

    def _after(self, batch: _Batch, changes: Sequence[Change], step: Callable[[], None]) -> None:
        """Runs a step that follows counted changes."""
        try:
            step()
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._keep(batch, batch.record(changes[-1]), error)

    def _add_pushes(self, batch: _Batch, pushing: "Future[int]") -> None:
        batch.pushes += pushing.result()

    def _keep(self, batch: _Batch, record: Record, error: Exception) -> None:
        telemetry.log_failure(telemetry.current(), error)
        batch.failures += 1
        try:
            self._services.failures.put(record, f"{type(error).__name__}: {error}"[:1_000])
        except Unavailable:
            batch.returned.add(_sequence(record))


def _sequence(record: Record) -> str:
    content = record.get("dynamodb")
    return str(content.get("SequenceNumber", "")) if isinstance(content, Mapping) else ""


def _lag(batch: _Batch) -> float:
    """Seconds since the oldest event of the batch happened or arrived, whichever is shorter."""
    now = time()
    ages = [
        min(now - change.arrived, now - change.new.timestamp.timestamp())
        for changes in batch.changes.values()
        for change in changes
        if change.new is not None
    ]
    return max(0.0, *ages) if ages else 0.0
