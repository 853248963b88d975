"""A clock that tests can advance."""

from datetime import datetime, timedelta
from time import monotonic

from app.clock import Clock


class FakeClock(Clock):
    """The real time plus the seconds that the test advanced it by."""

    def __init__(self) -> None:
        self._ahead_seconds = self._wrong_seconds = 0.0

    def advance(self, seconds: float) -> None:
        self._ahead_seconds += seconds

    def jump(self, seconds: float) -> None:
        """Sets the time of day, as an operator would; durations are measured as before."""
        self._wrong_seconds += seconds

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._ahead_seconds + self._wrong_seconds)

    def monotonic(self) -> float:
        return monotonic() + self._ahead_seconds
