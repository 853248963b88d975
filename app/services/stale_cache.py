"""A cache that outlives an outage of the database."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache, TTLCache

from app.clock import Clock
from app.errors import Unavailable

MAX_ENTRIES = 20_000

Value = TypeVar("Value")


class StaleCache(Generic[Value]):
    """Values by id, at most `ttl_seconds` old, or of any age while the database is unavailable."""

    def __init__(self, read: Callable[[str], Value | None], ttl_seconds: float, clock: Clock) -> None:
        self._read, self._lock = read, Lock()
        self._fresh: TTLCache[str, Value | None] = TTLCache(MAX_ENTRIES, ttl_seconds, clock.monotonic)
        self._last: LRUCache[str, Value] = LRUCache(MAX_ENTRIES)

    def knows(self, name: str) -> bool:
        with self._lock:
            return name in self._fresh

    def remembers(self, name: str) -> bool:
        """Whether there was a value, fresh or not."""
        with self._lock:
            return name in self._last

    def get(self, name: str) -> Value | None:
        with self._lock:
            if name in self._fresh:
                return self._fresh[name]
        try:
            value = self._read(name)
        except Unavailable:
            with self._lock:
                if name in self._last:
                    return self._last[name]
            raise
        self.put(name, value)
        return value

    def put(self, name: str, value: Value | None) -> None:
        with self._lock:
            self._fresh[name] = value
            if value is None:
                self._last.pop(name, None)
            else:
                self._last[name] = value

    def forget(self, name: str) -> None:
        with self._lock:
            self._fresh.pop(name, None)
            self._last.pop(name, None)
