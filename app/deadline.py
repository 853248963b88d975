"""The deadline of the current request, and its place among those that are worked on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from time import monotonic

UNBOUNDED_SECONDS = 30.0

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)
_patience: ContextVar[float] = ContextVar("patience", default=0.0)
_outside: ContextVar[Callable[[], AbstractContextManager[None]]] = ContextVar("outside", default=nullcontext)


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


@contextmanager
def patient(seconds: float) -> Iterator[None]:
    """Waits for each response of the database in this context for at least `seconds`, within the deadline."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


def patience_seconds() -> float:
    """Least time to wait for a response; 0 where a client waits."""
    return _patience.get()


def set_outside(outside: Callable[[], AbstractContextManager[None]]) -> None:
    """Sets what frees the place of the current request."""
    _outside.set(outside)


def waiting_outside() -> AbstractContextManager[None]:
    """Wraps waiting for another service, which keeps no other request from being worked on."""
    return _outside.get()()
