"""The current time and random bytes; a repeated request can replay both.

A request with an Idempotency-Key that was killed half-way runs again with the time and random bytes of its first run.
It writes the same rows under the same keys, so its effect happens once.
"""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_bytes
from time import monotonic


class Clock:
    """The time as services read it. Tests pass a clock that they can advance."""

    monotonic = staticmethod(monotonic)
    """Seconds for measuring durations; a replay does not change them."""

    def now(self) -> datetime:
        """Returns the current UTC time, or the time of the first run in a replay."""
        return now()


SYSTEM_CLOCK = Clock()


@dataclass
class _Replay:
    now: datetime
    seed: bytes
    draws: int = 0


_replay: ContextVar[_Replay | None] = ContextVar("replay", default=None)


@contextmanager
def frozen(now: datetime, seed: bytes) -> Iterator[None]:
    """Stops the clock and derives all random bytes from the seed."""
    token = _replay.set(_Replay(now, seed))
    try:
        yield
    finally:
        _replay.reset(token)


def now() -> datetime:
    replay = _replay.get()
    return replay.now if replay else datetime.now(UTC)


def random_bytes(size: int) -> bytes:
    """Random bytes, at most 64."""
    replay = _replay.get()
    if replay is None:
        return token_bytes(size)
    replay.draws += 1
    return hmac.digest(replay.seed, str(replay.draws).encode(), "sha512")[:size]


def random_hex(size: int) -> str:
    return random_bytes(size).hex()
