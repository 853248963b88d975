"""A cache that outlives an outage of the database."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache, TTLCache

from app.clock import Clock
from app.deadline import remaining_seconds
from app.errors import DeadlineExceeded, Unavailable
from app.storage.database import awaited

MAX_ENTRIES = 20_000

Value = TypeVar("Value")


class StaleCache(Generic[Value]):
    """Values by id, at most `ttl_seconds` old, or of any age while the database is unavailable."""

    def __init__(self, read: Callable[[str], Value | None], ttl_seconds: float, clock: Clock) -> None:
        self._read, self._lock = read, Lock()
        self._fresh: TTLCache[str, Value | None] = TTLCache(MAX_ENTRIES, ttl_seconds, clock.monotonic)
        self._last: LRUCache[str, Value] = LRUCache(MAX_ENTRIES)
        self._reading: dict[str, Future[Value | None]] = {}

    def knows(self, name: str) -> bool:
        with self._lock:
            return name in self._fresh

    def remembers(self, name: str) -> bool:
        """Whether there was a value, fresh or not."""
        with self._lock:
            return name in self._last

    def get(self, name: str) -> Value | None:
        """Returns a value. Who asks for it while it is read waits for that read."""
        with self._lock:
            if name in self._fresh:
                return self._fresh[name]
            own = Future[Value | None]()
            reading = self._reading.setdefault(name, own)
        try:
            if reading is own:
                self._fill(name, own)
            return awaited(reading)
        except Unavailable as error:
            if isinstance(error, DeadlineExceeded) and reading is not own and remaining_seconds() > 0:
                return self.get(name)  # it was the other request's deadline
            with self._lock:
                if name in self._last:
                    return self._last[name]
            raise

    def _fill(self, name: str, reading: "Future[Value | None]") -> None:
        """Reads a value, and keeps it unless it was forgotten meanwhile."""
        try:
            value = self._read(name)
        except BaseException as error:  # noqa: BLE001 - `get` raises it
            with self._lock:
                self._ends(name, reading)
            reading.set_exception(error)
        else:
            with self._lock:
                if self._ends(name, reading):
                    self._keep(name, value)
            reading.set_result(value)

    def _ends(self, name: str, reading: "Future[Value | None]") -> bool:
        """Removes a read; returns False if its value was forgotten meanwhile."""
        is_wanted = self._reading.get(name) is reading
        if is_wanted:
            del self._reading[name]
        return is_wanted

    def put(self, name: str, value: Value | None) -> None:
        with self._lock:
            self._keep(name, value)

    def _keep(self, name: str, value: Value | None) -> None:
        self._fresh[name] = value
        if value is None:
            self._last.pop(name, None)
        else:
            self._last[name] = value

    def forget(self, name: str) -> None:
        with self._lock:
            self._reading.pop(name, None)
            self._fresh.pop(name, None)
            self._last.pop(name, None)
