"""Catalog changes made by other instances, read from the change index every few seconds."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Protocol

from cachetools import LRUCache

from app.clock import Clock
from app.config import Settings
from app.domain.items import Item
from app.storage.database import awaited
from app.storage.items import ItemStore
from app.storage.table import LISTING_SHARDS

OVERLAP = timedelta(minutes=2)
"""Changes can become visible out of order: clocks differ and the index is late."""
MAX_PROJECTS = 10_000


class CatalogObserver(Protocol):
    """Something that keeps items in memory."""

    def renew(self, project: str, items: Sequence[Item]) -> None:
        """Replaces items that are older than these; items can be repeated."""

    def forget(self, project: str) -> None:
        """Forgets all items of a project, because it has too many changes to list."""


@dataclass
class _Progress:
    cursors: list[datetime]
    """The time of the last change read, by shard."""
    read_at: float
    reads: "list[Future[None]]" = field(default_factory=list)
    """The reads of all shards that were started last."""


class CatalogChanges:
    def __init__(
        self, items: ItemStore, settings: Settings, clock: Clock, submit: "Callable[..., Future[Any]]"
    ) -> None:
        self._items, self._settings, self._clock, self._submit = items, settings, clock, submit
        self._observers: list[CatalogObserver] = []
        self._projects: LRUCache[str, _Progress] = LRUCache(MAX_PROJECTS)
        self._lock = Lock()

    def observe(self, observer: CatalogObserver) -> None:
        """Reports all further changes to an observer."""
        self._observers.append(observer)

    def begin(self, project: str) -> _Progress:
        """Starts reading the changes, unless a read started less than `item_ttl_seconds` ago.

        The first call only marks the starting time, since nothing is in memory yet. Later calls cost one round trip,
        with one database call per shard.
        """
        with self._lock:
            progress = self._projects.get(project)
            if progress is None:
                cursors = [self._clock.now()] * LISTING_SHARDS
                progress = self._projects[project] = _Progress(cursors, self._clock.monotonic())
            elif self._clock.monotonic() - progress.read_at > self._settings.item_ttl_seconds:
                progress.reads = [self._submit(self._read, project, progress, shard) for shard in range(LISTING_SHARDS)]
                progress.read_at = self._clock.monotonic()
            return progress

    def follow(self, project: str) -> None:
        """Reads the changes and reports them to all observers before returning."""
        progress = self.begin(project)
        try:
            for read in progress.reads:
                awaited(read)
        except BaseException:
            if all(read.done() for read in progress.reads):  # another request may still wait for them
                progress.read_at, progress.reads = float("-inf"), []
            raise

    def _read(self, project: str, progress: _Progress, shard: int) -> None:
        """Reports the changes of a shard; after more than a page of them, reading items again is faster."""
        started_at = self._clock.now()
        items, is_complete = self._items.changed_since(project, shard, progress.cursors[shard] - OVERLAP)
        for observer in self._observers:
            if is_complete:
                observer.renew(project, items)
            else:
                observer.forget(project)
        times = [item.updated_at for item in items] if is_complete else [started_at]
        progress.cursors[shard] = max([progress.cursors[shard], *times])
