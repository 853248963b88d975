"""What was changed elsewhere in a project's items: read now and then from an index, for those who remember."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any, Protocol

from cachetools import LRUCache

from app.config import Settings
from app.domain.items import Item
from app.storage.items import ItemStore
from app.storage.table import LISTING_SHARDS

OVERLAP = timedelta(seconds=30)
"""Changes may become visible in another order than that of their times: clocks differ, and the index is late."""
MAX_PROJECTS = 10_000


class CatalogObserver(Protocol):
    """Someone who remembers items."""

    def renew(self, project: str, items: Sequence[Item]) -> None:
        """Items as they were put or deleted, perhaps long known."""

    def forget(self, project: str) -> None:
        """Too many were changed to be told of: none that is remembered can be trusted."""


@dataclass
class _Followed:
    reached: list[datetime]
    """By shard, the time of the last change that was told, at first that from which on they are."""
    read_at: float
    reading: "list[Future[None]]" = field(default_factory=list)
    """The reads that were begun last, of all shards."""


class CatalogChanges:
    def __init__(
        self, items: ItemStore, settings: Settings, clock: Callable[[], datetime], beside: "Callable[..., Future[Any]]"
    ) -> None:
        self._items, self._settings, self._clock, self._beside = items, settings, clock, beside
        self._listeners: list[CatalogObserver] = []
        self._projects: LRUCache[str, _Followed] = LRUCache(MAX_PROJECTS)
        self._lock = Lock()

    def listen(self, listener: CatalogObserver) -> None:
        """Have someone told of changes from now on."""
        self._listeners.append(listener)

    def begin(self, project: str) -> _Followed:
        """Begin to read what was changed, unless that was begun less than `item_ttl_seconds` ago.

        The first call reads nothing: from then on, what is read is remembered rightly. Later ones cost one round trip,
        of a call for each shard.
        """
        with self._lock:
            followed = self._projects.get(project)
            if followed is None:
                followed = self._projects[project] = _Followed([self._clock()] * LISTING_SHARDS, monotonic())
            elif monotonic() - followed.read_at > self._settings.item_ttl_seconds:
                followed.reading = [
                    self._beside(self._read, project, followed, number) for number in range(LISTING_SHARDS)
                ]
                followed.read_at = monotonic()
            return followed

    def follow(self, project: str) -> None:
        """Read what was changed, and have everybody told of it before this returns."""
        followed = self.begin(project)
        try:
            for one in followed.reading:
                one.result()
        except BaseException:
            followed.read_at, followed.reading = float("-inf"), []
            raise

    def _read(self, project: str, followed: _Followed, number: int) -> None:
        """Tell of what was changed in a shard; after more than a page of changes it is quicker to read items anew."""
        asked_at = self._clock()
        changed, is_all = self._items.changed_since(project, number, followed.reached[number] - OVERLAP)
        for listener in self._listeners:
            if is_all:
                listener.renew(project, changed)
            else:
                listener.forget(project)
        reached = [item.updated_at for item in changed] if is_all else [asked_at]
        followed.reached[number] = max([followed.reached[number], *reached])
