"""Events that wait to be sent, for both senders."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from serendip_client.errors import SerendipError
from serendip_client.models import EventIn, EventsIn
from serendip_client.retries import doubled

OnRefused = Callable[[SerendipError, Sequence[EventIn]], None]
LONGEST_WAIT_SECONDS = 60.0
SERVER_ERRORS = 500
NOT_THEIR_FAULT = {401, 429}
"""Refusals of credentials, and of requests for now: the same events can be accepted later."""
logger = logging.getLogger("serendip_client")


def refusal(error: SerendipError, events: Sequence[EventIn]) -> str:
    return f"Serendip refused {len(events)} events: {error} {events}"


def log_refused(error: SerendipError, events: Sequence[EventIn]) -> None:
    logger.error(refusal(error, events))


class Waiting:
    """Events that the server has neither accepted nor refused, oldest first.

    Attributes:
        failure: why the last batch was neither accepted nor refused; None if it was.
        failures: how many batches in a row failed like that.
    """

    def __init__(self, max_events: int, max_seconds: float, max_waiting: int, on_refused: OnRefused) -> None:
        self.max_events, self._max_seconds, self._max_waiting = max_events, max_seconds, max_waiting
        self._on_refused = on_refused
        self.events: list[EventIn] = []
        self.failure: Exception | None = None
        self.failures = 0

    @property
    def is_full_batch(self) -> bool:
        return len(self.events) >= self.max_events

    @property
    def wait_seconds(self) -> float:
        """How long the next batch waits for more events: longer after failures."""
        return doubled(self._max_seconds, self.failures, LONGEST_WAIT_SECONDS)

    def add(self, event: EventIn | None, fields: dict[str, Any]) -> None:
        """Adds an event with the time of now, unless it has one: sent twice, it is stored once.

        Raises:
            pydantic.ValidationError: a field is unknown or has the wrong type.
            BufferError: too many events wait.
        """
        if len(self.events) >= self._max_waiting:
            raise BufferError(f"{self._max_waiting} events wait for the server. Add this one later.") from self.failure
        values = event.model_dump(exclude_unset=True) if event else {}
        self.events.append(EventIn(**{"timestamp": datetime.now(UTC), **values, **fields}))

    def batch(self) -> EventsIn:
        return EventsIn(events=self.events[: self.max_events])

    def accept(self, batch: EventsIn) -> None:
        del self.events[: len(batch.events)]
        self.failure, self.failures = None, 0

    def fail(self, batch: EventsIn, error: Exception) -> None:
        """Drops and reports the events that the server refused for good; after another error, all keep waiting."""
        if not isinstance(error, SerendipError) or error.status in NOT_THEIR_FAULT or error.status >= SERVER_ERRORS:
            self.failure, self.failures = error, self.failures + 1
            return
        pointers = [re.match(r"/events/(\d+)", field.pointer) for field in error.errors]
        refused = {int(pointer[1]) for pointer in pointers if pointer} or set(range(len(batch.events)))
        kept = [event for index, event in enumerate(batch.events) if index not in refused]
        self.events[: len(batch.events)] = kept
        self.failure, self.failures = None, 0
        events = [event for index, event in enumerate(batch.events) if index in refused]
        try:
            self._on_refused(error, events)
        except Exception:
            logger.exception("on_refused failed; %s", refusal(error, events))
