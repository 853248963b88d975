"""Packs the catalogs whose items instances read, so that their first rule takes a few calls."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic, sleep

from cachetools import TTLCache

from app.clock import Clock
from app.config import Settings
from app.domain.access import ProjectState
from app.domain.items import PackedCatalog, PackedCatalogs, PackedShard
from app.errors import Conflict
from app.services.catalog.reader import SETTLED
from app.storage.access import AccessStore
from app.storage.items import ItemStore
from app.storage.packed_catalogs import KEPT, PackedCatalogStore
from app.storage.table import LISTING_SHARDS, PAGE_ROWS

LEAST_AGE, MOST_AGE = timedelta(hours=1), timedelta(days=1)
"""A catalog is packed again when it has changed much, and at the latest after a day."""
MUCH = 0.2
"""The share of a catalog's items whose changes are worth packing it again."""
ID_BYTES = 6
LONGEST_PAUSE_SECONDS = 0.5
MAX_PROJECTS = 10_000


class CatalogPacker:
    def __init__(
        self,
        store: PackedCatalogStore,
        items: ItemStore,
        access: AccessStore,
        settings: Settings,
        clock: Clock,
        random_hex: Callable[[int], str],
    ) -> None:
        self._store, self._items, self._access, self._clock, self._random_hex = store, items, access, clock, random_hex
        self._limit = settings.catalog_items // LISTING_SHARDS
        self._considered: TTLCache[str, bool] = TTLCache(MAX_PROJECTS, LEAST_AGE.total_seconds(), clock.monotonic)

    def wanted(self) -> list[str]:
        """Returns the projects whose catalogs instances read, without those considered in the last hour."""
        return [project for project in self._store.wanted(self._clock.now()) if project not in self._considered]

    def consider(self, project: str) -> bool:
        """Packs a project's catalog if it is due; returns whether it did.

        It is not packed while it changes so much that instances would read most of it again.
        """
        catalogs = self._store.catalogs(project, consistent=True)
        if not self._is_active(project) or not self._is_due(project, catalogs.current):
            self._considered[project] = True
            return False
        if any(not is_complete for _, is_complete in self._changes(project, self._clock.now() - SETTLED)):
            return False
        self._considered[project] = True
        try:
            return self._pack(project, catalogs)
        except Conflict:  # another process packs it
            return False

    def _is_active(self, project: str) -> bool:
        stored = self._access.get_project(project)
        return stored is not None and stored.state is ProjectState.ACTIVE

    def _is_due(self, project: str, current: PackedCatalog | None) -> bool:
        age = self._clock.now() - current.as_of if current else None
        if current is None or age is None or not timedelta(0) <= age < MOST_AGE:
            return True
        if age < LEAST_AGE:
            return False
        changes = self._changes(project, current.as_of)
        return not all(is_complete for _, is_complete in changes) or (
            sum(number for number, _ in changes) >= MUCH * current.items
        )

    def _changes(self, project: str, since: datetime) -> list[tuple[int, bool]]:
        """Returns the number of changes of each shard since a time, and whether these are all: it reads one page."""
        pages = [self._items.newest_rows(project, number, PAGE_ROWS, since=since) for number in range(LISTING_SHARDS)]
        return [(len(rows), start is None) for rows, start in pages]

    def _put(self, project: str, catalogs: PackedCatalogs, previous: PackedCatalogs) -> PackedCatalogs:
        return self._store.put(project, catalogs, previous, self._clock.now().timestamp())

    def _pack(self, project: str, catalogs: PackedCatalogs) -> bool:
        """Packs a catalog. Raises Conflict if another process packs it too."""
        as_of = self._clock.now()
        shards, contents = list[PackedShard](), list[list[bytes]]()
        for number in range(LISTING_SHARDS):
            parts, shard = self._store.pack(project, number, self._limit)
            shards.append(shard)
            contents.append(parts)
        catalog = PackedCatalog(self._random_hex(ID_BYTES), as_of, tuple(shards))
        others = [other for other in catalogs.others if other.as_of > as_of - KEPT]
        begun = self._put(project, replace(catalogs, others=(*others, catalog)), catalogs)
        for number, parts in enumerate(contents):
            for part, packed in enumerate(parts):
                began_at = monotonic()
                self._store.put_part(project, catalog, number, part, packed)
                sleep(min(monotonic() - began_at, LONGEST_PAUSE_SECONDS))  # half of the time is for other writes
        if not self._is_active(project):
            return False
        replaced = [catalogs.current] if catalogs.current else []
        self._put(project, PackedCatalogs(catalog, (*others, *replaced)), begun)
        return True
