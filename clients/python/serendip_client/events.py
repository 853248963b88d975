"""Senders that collect events into batches."""

from __future__ import annotations

import asyncio
import atexit
from contextlib import suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Self

from serendip_client.errors import UnsentEvents
from serendip_client.waiting import LONGEST_WAIT_SECONDS, OnRefused, Waiting, log_refused, logger

if TYPE_CHECKING:
    from serendip_client.client import AsyncSerendip, Serendip
    from serendip_client.models import EventIn

EXIT_SECONDS = 10.0
CLOSED = "The event sender is closed."


class EventSender:
    """Sends events in batches from a thread of its own: `with EventSender(client) as events: events.add(...)`.

    An event waits until the server has accepted or refused it. Refused events go to `on_refused`; by default they are
    logged as errors. Leaving the `with` block sends what waits, and so does the end of the process.

    Args:
        client: the client, which can be used for other calls too.
        max_events: the events of a request: at most 500, and 50 with a user token.
        max_seconds: the longest time that an event waits for others.
        max_waiting: the events that may wait while the server cannot be reached.
        on_refused: gets the events that the server refused, in the thread that sends.
    """

    def __init__(
        self,
        client: Serendip,
        *,
        max_events: int = 100,
        max_seconds: float = 1.0,
        max_waiting: int = 10_000,
        on_refused: OnRefused = log_refused,
    ) -> None:
        self._client = client
        self._waiting = Waiting(max_events, max_seconds, max_waiting, on_refused)
        self._changed = Condition()
        self._is_flushing = self._is_closed = self._is_over = False
        self._thread: Thread | None = None
        atexit.register(self._close_at_exit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, event: EventIn | None = None, /, **fields: Any) -> None:  # noqa: ANN401 - the fields of EventIn
        """Adds an event, as a model or by its fields: `add(user_id="ann", item_id="tea")`.

        Raises:
            pydantic.ValidationError: a field is unknown or has the wrong type.
            BufferError: too many events wait; `__cause__` is the last error.
            RuntimeError: the sender is closed.
        """
        with self._changed:
            if self._is_closed:
                raise RuntimeError(CLOSED)
            self._waiting.add(event, fields)
            self._ensure_running()
            self._changed.notify_all()

    def flush(self, timeout_seconds: float = LONGEST_WAIT_SECONDS) -> None:
        """Sends all events that wait.

        Raises:
            UnsentEvents: they could not be sent in time; they keep waiting.
        """
        with self._changed:
            self._is_flushing, self._waiting.failures = True, 0
            if self._waiting.events:
                self._ensure_running()
            self._changed.notify_all()
            is_empty = self._changed.wait_for(lambda: not self._waiting.events, timeout_seconds)
            self._is_flushing = False
            if not is_empty:
                raise UnsentEvents(list(self._waiting.events)) from self._waiting.failure

    def close(self, timeout_seconds: float = LONGEST_WAIT_SECONDS) -> None:
        """Sends all events that wait, and takes no more.

        Raises:
            UnsentEvents: they could not be sent in time.
        """
        atexit.unregister(self._close_at_exit)
        self._is_closed = True
        try:
            self.flush(timeout_seconds)
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()

    def _ensure_running(self) -> None:
        """Starts the thread with the first event of a process: threads do not survive a fork."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._run, name="serendip-events", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting.events or self._is_over)
                self._changed.wait_for(self._is_due, self._waiting.wait_seconds)
                if self._is_over:
                    return
                batch = self._waiting.batch()
            try:
                self._client.send_events(batch)
            except Exception as error:  # noqa: BLE001 - reported with the events: by `add`, `flush` or `on_refused`
                with self._changed:
                    self._waiting.fail(batch, error)
                    self._changed.notify_all()
            else:
                with self._changed:
                    self._waiting.accept(batch)
                    self._changed.notify_all()

    def _is_due(self) -> bool:
        is_wanted = self._is_flushing or self._waiting.is_full_batch
        return self._is_over or (is_wanted and self._waiting.failures == 0)

    def _close_at_exit(self) -> None:
        try:
            self.close(EXIT_SECONDS)
        except UnsentEvents as error:
            logger.exception("%d events were lost at the end of the process.", len(error.events))


class AsyncEventSender:
    """Sends events in batches from an asyncio task: `async with AsyncEventSender(client) as events: events.add(...)`.

    It works as `EventSender` does, but has to be closed before its event loop ends.
    """

    def __init__(
        self,
        client: AsyncSerendip,
        *,
        max_events: int = 100,
        max_seconds: float = 1.0,
        max_waiting: int = 10_000,
        on_refused: OnRefused = log_refused,
    ) -> None:
        self._client = client
        self._waiting = Waiting(max_events, max_seconds, max_waiting, on_refused)
        self._is_due = asyncio.Event()
        self._is_flushing = self._is_closed = False
        self._task: asyncio.Task[None] | None = None
        atexit.register(self._report_at_exit)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def add(self, event: EventIn | None = None, /, **fields: Any) -> None:  # noqa: ANN401 - the fields of EventIn
        """Adds an event as `EventSender.add` does; it never waits."""
        if self._is_closed:
            raise RuntimeError(CLOSED)
        self._waiting.add(event, fields)
        if self._waiting.is_full_batch and self._waiting.failures == 0:
            self._is_due.set()
        self._ensure_running()

    async def flush(self, timeout_seconds: float = LONGEST_WAIT_SECONDS) -> None:
        """Sends all events that wait.

        Raises:
            UnsentEvents: they could not be sent in time; they keep waiting.
        """
        self._is_flushing, self._waiting.failures = True, 0
        self._is_due.set()
        try:
            await asyncio.wait_for(asyncio.shield(self._ensure_running()), timeout_seconds)
        except TimeoutError:
            raise UnsentEvents(list(self._waiting.events)) from self._waiting.failure
        finally:
            self._is_flushing = False

    async def close(self, timeout_seconds: float = LONGEST_WAIT_SECONDS) -> None:
        """Sends all events that wait, and takes no more.

        Raises:
            UnsentEvents: they could not be sent in time.
        """
        atexit.unregister(self._report_at_exit)
        self._is_closed = True
        try:
            await self.flush(timeout_seconds)
        finally:
            self._ensure_running().cancel()

    def _ensure_running(self) -> asyncio.Task[None]:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        return self._task

    async def _run(self) -> None:
        while self._waiting.events:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_due.wait(), self._waiting.wait_seconds)
            batch = self._waiting.batch()
            try:
                await self._client.send_events(batch)
            except Exception as error:  # noqa: BLE001 - reported with the events: by `add`, `flush` or `on_refused`
                self._waiting.fail(batch, error)
            else:
                self._waiting.accept(batch)
            if self._waiting.failures or not (self._is_flushing or self._waiting.is_full_batch):
                self._is_due.clear()

    def _report_at_exit(self) -> None:
        if self._waiting.events:
            logger.error("%d events were lost: their sender was not closed.", len(self._waiting.events))
