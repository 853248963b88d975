"""All items of a project in an instance's memory, for filters and boosts: read once, then kept up by their changes."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from threading import Lock
from typing import Any

from cachetools import LRUCache

from app.config import Settings
from app.domain.items import Item
from app.recommender import rules
from app.recommender.rules import Facts, Rule
from app.services.recommendations.catalog_changes import CatalogChanges
from app.storage.items import ItemStore
from app.storage.table import LISTING_SHARDS

MAX_VALUES = 100
"""Of rules, remembered with an item."""


@dataclass
class CachedItem:
    """An item, what rules see of it, and what they gave."""

    item: Item
    _values: dict[Rule, float] = field(default_factory=dict)

    @cached_property
    def facts(self) -> Facts:
        return rules.facts_of(self.item)

    def value(self, rule: Rule, user: Facts, now: datetime) -> float:
        """What a rule gives for the item; computed once where it depends on the item alone."""
        if not rule.of_item_alone:
            return rule.value(self.facts, user, now)
        value = self._values.get(rule)
        if value is None:
            if len(self._values) >= MAX_VALUES:
                self._values.clear()
            value = self._values[rule] = rule.value(self.facts, user, now)
        return value


@dataclass
class _Project:
    items: dict[str, CachedItem] = field(default_factory=dict)
    is_read: bool = False
    complete: bool = True
    lock: Lock = field(default_factory=Lock)


class CatalogSnapshot:
    def __init__(
        self, items: ItemStore, changes: CatalogChanges, settings: Settings, beside: Callable[..., Future[Any]]
    ) -> None:
        self._items, self._changes, self._settings, self._beside = items, changes, settings, beside
        self._projects: LRUCache[str, _Project] = LRUCache(settings.catalog_projects)
        self._lock = Lock()

    def of(self, project: str) -> tuple[Mapping[str, CachedItem], bool]:
        """The project's items, deleted ones marked so, at most `item_ttl_seconds` old; and whether these are all.

        The first call reads them in one round trip for each 8 MB or part of it, at most `catalog_items` of them,
        those that were changed last; later ones follow the changes.
        """
        self._changes.follow(project)
        with self._lock:
            known = self._projects.setdefault(project, _Project())
        with known.lock:
            if not known.is_read:
                for shard in [self._beside(self._read, project, known, number) for number in range(LISTING_SHARDS)]:
                    shard.result()
                known.is_read = True
        return known.items, known.complete

    def forget(self, project: str) -> None:
        """Read the project's items again when they are asked for."""
        with self._lock:
            self._projects.pop(project, None)

    def renew(self, project: str, items: Iterable[Item]) -> None:
        """Know items as they were put or deleted."""
        with self._lock:
            known = self._projects.get(project)
        if known is not None:
            with known.lock:
                _take(known, items)

    def _read(self, project: str, known: _Project, number: int) -> None:
        most, read = self._settings.catalog_items // LISTING_SHARDS, 0
        for page in self._items.newest_changes(project, number):
            _take(known, page[: most - read])
            read += len(page)
            if read >= most:
                known.complete = known.complete and read == most
                break


def _take(known: _Project, items: Iterable[Item]) -> None:
    """Remember items, unless something newer is known of them."""
    for item in items:
        present = known.items.get(item.item_id)
        if present is not None and present.item.updated_at >= item.updated_at:
            continue
        known.items[item.item_id] = CachedItem(item)
