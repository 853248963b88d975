"""The catalog snapshot: all items of a project in memory, for filters and boosts; read once, then kept current."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from threading import Lock

from cachetools import LRUCache

from app.config import Settings
from app.domain.items import Item, searchable
from app.recommender import rules
from app.recommender.cel.work import Work
from app.recommender.rules import Facts, Rule
from app.services.catalog.changes import CatalogChanges
from app.services.catalog.reader import CatalogReader

MAX_VALUES = 100
"""Rule values that are kept per item."""


@dataclass
class CachedItem:
    """An item with the facts that rules see and the values that they returned."""

    item: Item
    _values: dict[Rule, float] = field(default_factory=dict)

    @cached_property
    def facts(self) -> Facts:
        return rules.facts_of(self.item)

    @cached_property
    def words(self) -> str:
        """The words of the title, or of the id if there is none, as searches compare them."""
        return searchable(self.item.title or self.item.item_id)

    def value(self, rule: Rule, user: Facts, now: datetime, work: Work) -> float:
        """Returns a rule's value for the item; it is computed once if it depends on the item alone.

        Raises:
            InvalidInput: the rules of the request take more steps than they may.
        """
        if not rule.of_item_alone:
            return rule.value(self.facts, user, now, work)
        value = self._values.get(rule)
        if value is None:
            if len(self._values) >= MAX_VALUES:
                self._values.clear()
            value = self._values[rule] = rule.value(self.facts, user, now, work)
        return value


@dataclass
class _Catalog:
    limit: int
    items: dict[str, CachedItem] = field(default_factory=dict)
    """The last changed ones at the end."""
    is_read: bool = False
    is_complete: bool = True
    lock: Lock = field(default_factory=Lock)

    def put(self, items: Iterable[Item]) -> None:
        """Stores items, unless a newer state of them is in memory, and leaves out those above the limit."""
        for item in sorted(items, key=lambda item: item.updated_at):
            cached = self.items.get(item.item_id)
            if cached is None or cached.item.updated_at < item.updated_at:
                self.items.pop(item.item_id, None)
                self.items[item.item_id] = CachedItem(item)
        while len(self.items) > self.limit:
            del self.items[next(iter(self.items))]
            self.is_complete = False


class CatalogSnapshot:
    def __init__(self, reader: CatalogReader, changes: CatalogChanges, settings: Settings) -> None:
        self._reader, self._changes = reader, changes
        self._limit = settings.catalog_items
        self._catalogs: LRUCache[str, _Catalog] = LRUCache(settings.catalog_projects)
        self._lock = Lock()

    def get(self, project: str) -> tuple[Mapping[str, CachedItem], bool]:
        """Returns a project's items, at most `item_ttl_seconds` old and with deleted ones, and whether these are all.

        They are the `catalog_items` that changed last. The first call reads them; later ones follow the changes.
        """
        self._changes.follow(project)
        with self._lock:
            catalog = self._catalogs.setdefault(project, _Catalog(self._limit))
        with catalog.lock:
            if not catalog.is_read:
                shards = list(self._reader.read(project))
                catalog.is_complete = all(is_complete for _, is_complete in shards)
                catalog.put(item for items, _ in shards for item in items)
                catalog.is_read = True
        return catalog.items, catalog.is_complete

    def forget(self, project: str) -> None:
        """Forgets a project's items, so that the next request reads them again."""
        with self._lock:
            self._catalogs.pop(project, None)

    def items_written(self, project: str, items: Sequence[Item]) -> None:
        """Stores items that this process wrote, so that it filters them at once."""
        self.renew(project, items)

    def renew(self, project: str, items: Iterable[Item]) -> None:
        """Replaces items that are older than these."""
        with self._lock:
            catalog = self._catalogs.get(project)
        if catalog is not None:
            with catalog.lock:
                catalog.put(items)
