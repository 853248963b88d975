"""Pages of a listing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """Some records of a listing, and where the next page starts (None at the end)."""

    records: tuple[Record, ...]
    next_start: str | None


def every(page_from: Callable[[str | None], Page[Record]]) -> Iterator[Record]:
    """All records of a listing; the function gives the page that starts at a place, None being the beginning."""
    start = None
    while True:
        page = page_from(start)
        yield from page.records
        start = page.next_start
        if start is None:
            return
