"""Pages of a listing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """One page of records. `next_start` is the cursor of the next page, None on the last."""

    records: tuple[Record, ...]
    next_start: str | None


def every(page_from: Callable[[str | None], Page[Record]]) -> Iterator[Record]:
    """Yields all records of a listing. `page_from` returns the page at a cursor; None is the first page."""
    start = None
    while True:
        page = page_from(start)
        yield from page.records
        start = page.next_start
        if start is None:
            return
