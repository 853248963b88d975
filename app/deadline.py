"""The deadline of the current request."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

UNBOUNDED_SECONDS = 30.0

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limits the database work in this context to `seconds` from now."""
    token = _ends_at.set(monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def remaining_seconds() -> float:
    """Seconds until the deadline; 30 outside of a request."""
    ends_at = _ends_at.get()
    return UNBOUNDED_SECONDS if ends_at is None else ends_at - monotonic()


def is_bounded() -> bool:
    """Returns whether this context has a deadline."""
    return _ends_at.get() is not None
