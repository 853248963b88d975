"""Applying the stream of events: counters, lists, pushes. The same for Lambda's batches and for the local follower.

Delivered again, in whole or in part, a batch changes nothing: counters know the records that they counted, lists are
made from the counters, and a push goes out only when the list differs from the one that was pushed last.
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
"""Within which a batch is applied, or given back."""
PUSHES_AT_A_TIME = 4
UNREADABLE = (KeyError, ValueError, TypeError, AttributeError)

Record = Mapping[str, Any]


@dataclass
class _Batch:
    """What became of the records of one batch."""

    records: Sequence[Record]
    changes: dict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    """By project."""
    given_back: set[str] = field(default_factory=set)
    """Sequence numbers of those that are to be delivered again."""
    failures: int = 0
    pushes: int = 0

    def record(self, change: Change) -> Record:
        return next(one for one in self.records if one.get("eventID") == change.record_id)


class Sockets(Protocol):
    """Those who watch a user's list."""

    def any_of(self, project: str) -> bool:
        """Whether a project may have live sockets."""

    def push(self, project: str, user_id: str) -> int:
        """Tell them of a list that changed; returns how many frames went out."""


class Consumer:
    def __init__(self, services: Services, sockets: Sockets) -> None:
        self._services, self._sockets = services, sockets
        self._threads = ThreadPoolExecutor(PUSHES_AT_A_TIME, thread_name_prefix="push")

    def apply(self, records: Sequence[Record]) -> str | None:
        """Apply records of one shard, in their order.

        A record that cannot be applied is kept among the failures and stops nobody else.

        Returns:
            The sequence number from which on the batch has to be delivered again, None where all is done.
        """
        work = RequestLog(route="stream")
        with telemetry.doing(work), within(BATCH_SECONDS), telemetry.told_job(work):
            batch = _Batch(records)
            self._do(batch)
            telemetry.tell_metrics(
                work.route or "",
                {
                    "records": len(records),
                    "failures": batch.failures,
                    "pushes": batch.pushes,
                    "event_to_list_ms": _lag(batch) * 1_000,
                },
                emf=self._services.settings.emf,
            )
        order = [_sequence(record) for record in records]
        return next((sequence for sequence in order if sequence in batch.given_back), None)

    def succeeds(self, record: Record) -> bool:
        """Apply one record that failed before."""
        batch = _Batch([record])
        with within(BATCH_SECONDS):
            self._do(batch)
        return not batch.failures and not batch.given_back

    def _do(self, batch: _Batch) -> None:
        for record in batch.records:
            self._read(batch, record)
        for project, changes in batch.changes.items():
            try:
                self._apply(batch, project, changes)
            except Unavailable:
                batch.given_back |= {change.sequence for change in changes}

    def _read(self, batch: _Batch, record: Record) -> None:
        try:
            change = stream.change(record)
        except UNREADABLE as error:
            self._keep(batch, record, error)
            return
        if change is not None:
            batch.changes[change.project].append(change)

    def _apply(self, batch: _Batch, project: str, changes: Sequence[Change]) -> None:
        services = self._services
        if not services.access.is_active(project):
            return
        times: set[int] = set()
        counted = self._count(batch, project, changes, times)
        if not counted:
            return
        self._after(batch, counted, lambda: services.lists.changed(project, times))
        if not self._sockets.any_of(project):
            return
        users: dict[str, list[Change]] = defaultdict(list)
        for change in counted:
            users[change.user_id].append(change)
        pushing = {
            user_id: self._threads.submit(copy_context().run, self._sockets.push, project, user_id) for user_id in users
        }
        wait(pushing.values())
        for user_id, of_user in users.items():
            self._after(batch, of_user, partial(self._add_pushes, batch, pushing[user_id]))

    def _count(self, batch: _Batch, project: str, changes: Sequence[Change], times: set[int]) -> Sequence[Change]:
        """Count changes, each alone where they cannot be counted together; returns those that were."""
        try:
            times |= self._services.counting.count(project, changes)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the shard
            if len(changes) > 1:
                return [one for change in changes for one in self._count(batch, project, [change], times)]
            self._keep(batch, batch.record(changes[0]), error)
            return ()
        return changes

    def _after(self, batch: _Batch, changes: Sequence[Change], step: Callable[[], None]) -> None:
        """Do what follows from changes that are counted."""
        try:
            step()
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - the same
            self._keep(batch, batch.record(changes[-1]), error)

    def _add_pushes(self, batch: _Batch, pushing: "Future[int]") -> None:
        batch.pushes += pushing.result()

    def _keep(self, batch: _Batch, record: Record, error: Exception) -> None:
        telemetry.tell_failure(telemetry.current(), error)
        batch.failures += 1
        try:
            self._services.failures.put(record, f"{type(error).__name__}: {error}"[:1_000])
        except Unavailable:
            batch.given_back.add(_sequence(record))


def _sequence(record: Record) -> str:
    content = record.get("dynamodb")
    return str(content.get("SequenceNumber", "")) if isinstance(content, Mapping) else ""


def _lag(batch: _Batch) -> float:
    """Seconds since the oldest event of the batch: since it happened, or came, whichever is the shorter time."""
    now = time()
    ages = [
        min(now - change.arrived, now - change.new.timestamp.timestamp())
        for changes in batch.changes.values()
        for change in changes
        if change.new is not None
    ]
    return max(0.0, *ages) if ages else 0.0
