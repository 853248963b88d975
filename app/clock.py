"""The clock and the randomness of the work at hand, which a repeated request can have again.

A request with an Idempotency-Key that was killed half-way is repeated at the same moment and with the same random
bytes: it writes the same rows under the same keys, so that its effect happens once.
"""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_bytes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class _Replay:
    now: datetime
    seed: bytes
    taken: int = 0


_replay: ContextVar[_Replay | None] = ContextVar("replay", default=None)


@contextmanager
def replaying(now: datetime, seed: bytes) -> Iterator[None]:
    """Stop the clock, and derive all random bytes from the seed."""
    token = _replay.set(_Replay(now, seed))
    try:
        yield
    finally:
        _replay.reset(token)


def now() -> datetime:
    replay = _replay.get()
    return replay.now if replay else datetime.now(UTC)


def random_bytes(size: int) -> bytes:
    """Up to 64 bytes."""
    replay = _replay.get()
    if replay is None:
        return token_bytes(size)
    replay.taken += 1
    return hmac.digest(replay.seed, str(replay.taken).encode(), "sha512")[:size]


def random_hex(size: int) -> str:
    return random_bytes(size).hex()
