"""Reads all items of a project: from its packed catalog and the changes since, or from the index of changes alone."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

from app import telemetry
from app.clock import Clock
from app.config import Settings
from app.domain.items import Item, PackedCatalog
from app.errors import SerendipError
from app.storage.database import awaited
from app.storage.items import ItemStore
from app.storage.packed_catalogs import KEPT, PackedCatalogStore
from app.storage.packed_items import DamagedItems
from app.storage.table import LISTING_SHARDS, PAGE_ROWS

FIRST_ROWS = 100
"""Rows of a shard that are read before it is clear whether there is a packed catalog."""
SETTLED = timedelta(minutes=10)
"""Changes from this long before a packed catalog are read again, because the index of changes may be late."""
WANTED = timedelta(days=7)
"""How long a packed catalog is kept current after an instance last read it, or would have."""
CLOCK_SKEW = timedelta(minutes=1)

Page = tuple[list[Item], Any]
"""Items of a shard, the last changed first, and the start of the next ones."""


class CatalogReader:
    def __init__(
        self,
        items: ItemStore,
        packed: PackedCatalogStore,
        settings: Settings,
        clock: Clock,
        submit: Callable[..., Future[Any]],
        first_rows: int = FIRST_ROWS,
    ) -> None:
        self._items, self._packed, self._clock, self._submit = items, packed, clock, submit
        self._limit = settings.catalog_items // LISTING_SHARDS
        self._first_rows = min(first_rows, self._limit + 1)

    def read(self, project: str) -> Iterator[tuple[list[Item], bool]]:
        """Yields the items of each shard that were changed last, and whether these are all.

        A small catalog takes one round trip. A larger one takes one more if it is packed and was little changed since,
        and otherwise one per 2,000 items of a shard, or per MB.
        """
        first = [
            self._submit(self._items.newest_page, project, number, self._first_rows) for number in range(LISTING_SHARDS)
        ]
        catalog, reason = self._current(project)
        pages: list[Page] = [awaited(page) for page in first]
        if all(start is None for _, start in pages):
            yield from ((items[: self._limit], len(items) <= self._limit) for items, _ in pages)
            return
        if catalog is None:
            _log_full_read(project, reason)
        rest = [self._submit(self._rest, project, number, page, catalog) for number, page in enumerate(pages)]
        self._want(project)
        yield from (awaited(shard) for shard in rest)

    def _current(self, project: str) -> tuple[PackedCatalog | None, str]:
        """Returns the packed catalog of a project, or None and why there is none that can be used."""
        catalogs = self._packed.catalogs(project)
        catalog, now = catalogs.current, self._clock.now()
        if catalog is None:
            return None, "damaged" if catalogs.is_damaged else "none"
        if not now - KEPT < catalog.as_of < now + CLOCK_SKEW:
            return None, "of another time"
        return catalog, ""

    def _rest(self, project: str, number: int, page: Page, catalog: PackedCatalog | None) -> tuple[list[Item], bool]:
        """Reads what follows the first page of a shard."""
        items, start = page
        packed = self._unpacked(project, number, catalog) if catalog is not None and start is not None else None
        since = catalog.as_of - SETTLED if catalog is not None and packed is not None else None
        while start is not None and len(items) <= self._limit and (since is None or items[-1].updated_at >= since):
            more, start = self._items.newest_page(project, number, PAGE_ROWS, start, since)
            items = [*items, *more]
        if catalog is None or packed is None:
            return items[: self._limit], start is None and len(items) <= self._limit
        read_at = {item.item_id: item.updated_at for item in items}
        items += [  # the index may be a moment behind
            item for item in packed if item.item_id not in read_at or read_at[item.item_id] < item.updated_at
        ]
        return items[: self._limit], catalog.shards[number].is_complete and len(items) <= self._limit

    def _unpacked(self, project: str, number: int, catalog: PackedCatalog) -> list[Item] | None:
        """Returns the packed items of a shard; None if they are damaged or too few."""
        shard = catalog.shards[number]
        if not shard.is_complete and shard.items < self._limit:
            _log_full_read(project, "too few items")
            return None
        try:
            return self._packed.read(project, catalog, number)
        except DamagedItems:
            _log_full_read(project, "damaged")
            return None

    def _want(self, project: str) -> None:
        """Marks that a packed catalog is worth its cost; a failure to do so is logged."""
        try:
            self._packed.want(project, self._clock.now() + WANTED)
        except SerendipError as error:
            telemetry.log_failure(telemetry.current(), error)


def _log_full_read(project: str, reason: str) -> None:
    """Logs that all items are read, and why the packed catalog is not used."""
    telemetry.log_fields({"catalog": "read in full", "project": project, "reason": reason})
