"""Bounds the database reads for keys without a seal, which anyone can make up."""

from threading import Lock

from app.clock import Clock
from app.errors import Overloaded
from app.services.access.token_bucket import ROUNDING, spent

AT_ONCE, SECONDS_EACH = 20, 1.0


class UnsealedKeys:
    """Lets an instance read 20 unknown keys at once, then one a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, Lock()
        self._full_at = float("-inf")

    def spend(self) -> None:
        """Takes the right to read one. Raises Overloaded if there is none."""
        with self._lock:
            full_at, early = spent(self._full_at, self._clock.monotonic(), SECONDS_EACH, AT_ONCE)
            if early > ROUNDING:
                raise Overloaded(
                    "There are too many requests with unknown API keys right now. Try again shortly, or rotate this "
                    "key: new keys are recognized without reading them."
                )
            self._full_at = full_at
