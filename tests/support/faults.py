"""Fail a chosen database call."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.wiring import Wired
from tests.support.calls import surround


@contextmanager
def failing(wired: Wired, calls: int, when: str, how: BaseException) -> Iterator[None]:
    """Raises at the n-th database call: before it runs, or after it ran but before the caller gets the response."""
    left = calls

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise how

    def fail(_operation: str, _request: dict[str, Any], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if when == "before":
            count()
        answer = call()
        if when == "after":
            count()
        return answer

    undo = surround(wired.database, fail)
    try:
        yield
    finally:
        undo()
