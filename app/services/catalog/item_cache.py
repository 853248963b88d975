"""Items in memory, kept current by the catalog changes of other instances."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Lock

from cachetools import LRUCache, TTLCache

from app.clock import Clock
from app.config import Settings
from app.domain.items import Item
from app.services.catalog.changes import CatalogChanges
from app.storage.items import ItemStore

MAX_ITEMS = 50_000
ITEM_SECONDS = 3_600.0
"""The age after which an item is read again without a change, because the change index may be very late."""
MAX_LISTS = 500
LATEST_ITEMS = 100
MAX_PROJECTS = 10_000
ABSENT = object()


class ItemCache:
    def __init__(self, items: ItemStore, changes: CatalogChanges, settings: Settings, clock: Clock) -> None:
        self._store, self._changes = items, changes
        self._lock = Lock()
        self._items: TTLCache[tuple[str, str], Item | None] = TTLCache(MAX_ITEMS, ITEM_SECONDS, clock.monotonic)
        self._stale: LRUCache[tuple[str, str], Item | None] = LRUCache(MAX_ITEMS)
        self._has_any: TTLCache[str, bool] = TTLCache(MAX_PROJECTS, ITEM_SECONDS, clock.monotonic)
        self._latest: TTLCache[tuple[str, str | None], dict[str, datetime]] = TTLCache(
            MAX_LISTS, settings.item_ttl_seconds, clock.monotonic
        )

    def get_many(self, project: str, item_ids: Sequence[str]) -> dict[str, Item]:
        """Returns items by id, at most `item_ttl_seconds` old; ids that were never put are left out."""
        self._changes.follow(project)
        with self._lock:
            items = {
                item_id: self._items[project, item_id] for item_id in item_ids if (project, item_id) in self._items
            }
        missing = [item_id for item_id in item_ids if item_id not in items]
        if missing:
            stored = self._store.get_many(project, missing)
            with self._lock:
                for item_id in missing:
                    items[item_id] = stored.get(item_id)
                    self._items[project, item_id] = self._stale[project, item_id] = items[item_id]
                self._mark(project, stored.values())
        return {item_id: item for item_id, item in items.items() if item is not None}

    def has_all(self, project: str, item_ids: Iterable[str]) -> bool:
        """Whether reading these items needs no round trip now."""
        with self._lock:
            return all((project, item_id) in self._items for item_id in item_ids)

    def has_any(self, project: str) -> bool:
        """Whether the project has items, which costs a round trip if this instance has neither seen one nor looked."""
        with self._lock:
            has_any = self._has_any.get(project)
        if has_any is None:
            has_any = bool(self.latest(project, None))
            with self._lock:
                self._has_any.setdefault(project, has_any)
        return has_any

    def _mark(self, project: str, items: Iterable[Item]) -> None:
        if any(not item.deleted for item in items):
            self._has_any[project] = True

    def unknown(self, project: str, item_ids: Iterable[str]) -> set[str]:
        """Returns those of the items that had no record when this instance read them."""
        with self._lock:
            return {name for name in item_ids if self._stale.get((project, name), ABSENT) is None}

    def get_stale(self, project: str, item_ids: Iterable[str]) -> dict[str, Item]:
        """Returns the items that are in memory, whatever their age."""
        with self._lock:
            items = {item_id: self._stale.get((project, item_id)) for item_id in item_ids}
        return {item_id: item for item_id, item in items.items() if item is not None}

    def latest(self, project: str, category: str | None) -> dict[str, datetime]:
        """Returns when the newest items were created, by id, at most `item_ttl_seconds` old."""
        with self._lock:
            latest = self._latest.get((project, category))
        if latest is None:
            latest = self._store.latest(project, category, LATEST_ITEMS)
            with self._lock:
                self._latest[project, category] = latest
        return latest

    def items_written(self, project: str, items: Sequence[Item]) -> None:
        """Stores items that this process wrote, so that it shows them at once."""
        with self._lock:
            for item in items:
                self._items[project, item.item_id] = self._stale[project, item.item_id] = item
            self._mark(project, items)

    def renew(self, project: str, items: Sequence[Item]) -> None:
        """Replaces cached items that are older than these."""
        with self._lock:
            for item in items:
                key = project, item.item_id
                cached = self._items.get(key)
                if key in self._items and (cached is None or cached.updated_at < item.updated_at):
                    self._items[key] = self._stale[key] = item
            self._mark(project, items)

    def forget(self, project: str) -> None:
        """Forgets a project's items, so that the next request reads them again."""
        with self._lock:
            for key in [key for key in self._items if key[0] == project]:
                self._items.pop(key, None)
            self._has_any.pop(project, None)
