"""All items of a project in an instance's memory, for filters and boosts: read once, then kept up by their changes."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from threading import Lock
from time import monotonic
from typing import Any

from cachetools import LRUCache

from app.config import Settings
from app.domain import EPOCH, Item
from app.recommender import rules
from app.recommender.rules import Facts, Rule
from app.storage.items import Items
from app.storage.table import LISTING_SHARDS

OVERLAP = timedelta(seconds=30)
"""Changes may become visible in another order than that of their times: clocks differ, and the index is late."""
MAX_VALUES = 100
"""Of rules, remembered with an item."""


@dataclass
class Known:
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
    items: dict[str, Known] = field(default_factory=dict)
    reached: list[datetime] = field(default_factory=lambda: [EPOCH] * LISTING_SHARDS)
    """By shard, the time of the last change that was read."""
    read_at: float = float("-inf")
    complete: bool = True
    lock: Lock = field(default_factory=Lock)


class Assortment:
    def __init__(self, items: Items, settings: Settings, beside: Callable[..., Future[Any]]) -> None:
        self._items, self._settings, self._beside = items, settings, beside
        self._projects: LRUCache[str, _Project] = LRUCache(settings.catalogue_projects)
        self._lock = Lock()

    def of(self, project: str) -> tuple[Mapping[str, Known], bool]:
        """The project's items, deleted ones marked so, at most `item_ttl_seconds` old; and whether these are all.

        The first call reads them in one round trip for each 8 MB or part of it, at most `catalogue_items` of them,
        those that were changed last; later ones read what was changed since, in one.
        """
        with self._lock:
            known = self._projects.setdefault(project, _Project())
        with known.lock:
            if monotonic() - known.read_at > self._settings.item_ttl_seconds:
                step = self._read_all if known.read_at < 0 else self._read_changes
                for shard in [self._beside(step, project, known, number) for number in range(LISTING_SHARDS)]:
                    shard.result()
                known.read_at = monotonic()
        return known.items, known.complete

    def learn(self, project: str, items: Iterable[Item]) -> None:
        """After a write of items here, this instance knows them at once."""
        with self._lock:
            known = self._projects.get(project)
        if known is not None:
            with known.lock:
                _take(known, items)

    def _read_all(self, project: str, known: _Project, number: int) -> None:
        most, read = self._settings.catalogue_items // LISTING_SHARDS, 0
        for page in self._items.newest_changes(project, number):
            if page:
                known.reached[number] = max(known.reached[number], page[0].updated_at)
            _take(known, page[: most - read])
            read += len(page)
            if read >= most:
                known.complete = known.complete and read == most
                break

    def _read_changes(self, project: str, known: _Project, number: int) -> None:
        changed = self._items.changed_since(project, number, max(known.reached[number] - OVERLAP, EPOCH))
        _take(known, changed)
        known.reached[number] = max([known.reached[number], *(item.updated_at for item in changed)])


def _take(known: _Project, items: Iterable[Item]) -> None:
    """Remember items, unless something newer is known of them."""
    for item in items:
        present = known.items.get(item.item_id)
        if present is not None and present.item.updated_at >= item.updated_at:
            continue
        known.items[item.item_id] = Known(item)
