"""Whether this process can serve, checked at most every few seconds however often it is asked."""

import math
from collections.abc import Callable, Sequence
from threading import Lock

from app.clock import Clock
from app.errors import Unavailable

CHECKED_SECONDS = 5.0
"""How long a check counts."""
STALE_SECONDS = 15.0
"""Age after which the last check says nothing."""
EXPECTED_SECONDS = 2.0
"""How long a check that has begun is waited for if the last one says nothing; after that, it hangs."""


class Readiness:
    def __init__(self, missing: Callable[[], Sequence[str]], clock: Clock) -> None:
        """`missing` returns the names of the tables that do not exist, or raises Unavailable."""
        self._missing, self._clock = missing, clock
        self._lock = Lock()
        self._begun_at = self._checked_at = -math.inf
        self._problem: str | None = None

    @property
    def is_due(self) -> bool:
        """Whether `check` would ask the database."""
        return not self._lock.locked() and self._age() >= CHECKED_SECONDS

    @property
    def is_expected(self) -> bool:
        """Whether to wait for the check of another thread: there is no result yet, or one of long ago."""
        is_recent = self._clock.monotonic() - self._begun_at < EXPECTED_SECONDS
        return self._lock.locked() and is_recent and self._age() >= STALE_SECONDS

    def check(self) -> None:
        """Asks the database, unless another thread does so already."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._begun_at = self._clock.monotonic()
            self._problem = self._present_problem()
            self._checked_at = self._clock.monotonic()
        finally:
            self._lock.release()

    def require(self) -> None:
        """Raises Unavailable unless the last check found everything, seconds ago."""
        if self._checked_at == -math.inf:
            raise Unavailable("The database has not responded yet. Try again shortly.")
        if self._problem is not None:
            raise Unavailable(self._problem)
        if self._age() >= STALE_SECONDS:
            raise Unavailable("The database has not responded for seconds. Try again shortly.")

    def _present_problem(self) -> str | None:
        try:
            missing = self._missing()
        except Unavailable as error:
            return error.detail
        if missing:
            return f"Tables are missing: {', '.join(missing)}. Create them with `serendip migrate`."
        return None

    def _age(self) -> float:
        return self._clock.monotonic() - self._checked_at
