"""Record calls of a database with their times."""

from collections.abc import Callable
from threading import Lock
from time import monotonic, sleep
from typing import Any

from app.storage.database import Database
from tests.support.calls import surround

CALL_SECONDS = 0.05
"""Least duration of a call, so that parallel calls overlap on a busy machine too."""


class Recorder:
    """Calls of a database with their start and end."""

    def __init__(self, database: Database) -> None:
        self.calls: list[tuple[str, float, float]] = []
        self._lock = Lock()
        surround(database, self._record)

    def _record(self, operation: str, _request: dict[str, Any], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        started = monotonic()
        sleep(CALL_SECONDS)
        answer = call()
        with self._lock:
            self.calls.append((operation, started, monotonic()))
        return answer

    def rounds(self) -> int:
        """Calls that overlap in time are one round trip."""
        count, ends = 0, 0.0
        for _, start, end in sorted(self.calls, key=lambda call: call[1]):
            if start >= ends:
                count += 1
                ends = end
        return count
