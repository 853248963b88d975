"""Failing database calls at a chosen place."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.wiring import Wired


@contextmanager
def failing(wired: Wired, calls: int, when: str, how: BaseException) -> Iterator[None]:
    """Fail at the n-th database call: before it is done, or after it was but before anybody knows."""
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
