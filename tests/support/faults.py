"""Fail a chosen database call."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.wiring import Wired


@contextmanager
def failing(wired: Wired, calls: int, when: str, how: BaseException) -> Iterator[None]:
    """Raises at the n-th database call: before it runs, or after it ran but before the caller gets the response."""
    left = calls

    def fail(**_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise how

    events = wired.database.connection.client.meta.events
    events.register(f"{when}-call.dynamodb.*", fail)
    try:
        yield
    finally:
        events.unregister(f"{when}-call.dynamodb.*", fail)
