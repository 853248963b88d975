"""Model versions in memory: the active model's pointer, and the neighbor rows and lists of versions.

Rows and lists of a version never change; the pointer is read again after `pointer_ttl_seconds`.
"""

from collections.abc import Sequence
from threading import Lock

from cachetools import LRUCache, TTLCache

from app.clock import Clock
from app.config import Settings
from app.domain.models import ActiveModel, ModelVersion, VersionState
from app.domain.recommendations import BOUGHT_TOGETHER, POPULAR, TERMS
from app.errors import NotActivatable, NotFound, Unavailable
from app.recommender import packing
from app.recommender.packing import Row
from app.storage.neighbors import NeighborStore
from app.storage.versions import VersionStore

MAX_PROJECTS = 10_000
MAX_LISTS = 500
MAX_VOCABULARIES = 100


class ModelCache:
    def __init__(self, neighbors: NeighborStore, versions: VersionStore, settings: Settings, clock: Clock) -> None:
        self._neighbors, self._versions = neighbors, versions
        self._lock = Lock()
        self._pointers: TTLCache[str, ActiveModel | None] = TTLCache(
            MAX_PROJECTS, settings.pointer_ttl_seconds, clock.monotonic
        )
        self._rows: LRUCache[tuple[str, str, str], Row] = LRUCache(settings.row_cache_rows)
        self._lists: dict[str, LRUCache[tuple[str, str, str], Row]] = {
            POPULAR: LRUCache(MAX_LISTS),
            TERMS: LRUCache(MAX_VOCABULARIES),
            BOUGHT_TOGETHER: LRUCache(settings.row_cache_rows),
        }
        self._last_popular: LRUCache[str, tuple[ActiveModel, Row]] = LRUCache(MAX_PROJECTS)

    def has_active(self, project: str) -> bool:
        """Whether the active model's pointer is in memory."""
        with self._lock:
            return project in self._pointers

    def active(self, project: str) -> ActiveModel | None:
        """Returns the active model's pointer, at most `pointer_ttl_seconds` old."""
        with self._lock:
            if project in self._pointers:
                return self._pointers[project]
        active = self._versions.active(project)
        with self._lock:
            self._pointers[project] = active
        return active

    def of_version(self, project: str, version_id: str) -> ActiveModel:
        """Returns the pointer as if a ready version served everyone; raises the errors of `ready`."""
        active, version = self.active(project), self.ready(project, version_id)
        newest_item = active.newest_item if active else None
        return ActiveModel(version_id, version.created_at, scoring=version.scoring, newest_item=newest_item)

    def ready(self, project: str, version_id: str) -> ModelVersion:
        """Reads a version that can serve.

        Raises:
            NotFound: the version does not exist.
            NotActivatable: the version is not ready.
        """
        version = self._versions.get(project, version_id)
        if version is None:
            raise NotFound("There is no such model version.")
        if version.state is not VersionState.READY:
            raise NotActivatable(f"Version {version_id} is {version.state.value}; only a ready version can serve.")
        return version

    def forget_active(self, project: str) -> None:
        """Forgets the pointer, so that this instance follows a change made here at once."""
        with self._lock:
            self._pointers.pop(project, None)

    def rows(
        self,
        project: str,
        active: ActiveModel,
        item_ids: Sequence[str],
        *,
        terms: bool = False,
        bought: Sequence[str] = (),
    ) -> dict[str, Row]:
        """Returns the neighbor rows of items that have one.

        Rows that are not in memory come in one round trip, together with the popular list and, on request, the terms
        and what some items are `bought` together with.
        """
        lists = [(POPULAR, ""), *((BOUGHT_TOGETHER, item_id) for item_id in bought)]
        self._load(project, active, item_ids, [*lists, (TERMS, "")] if terms else lists)
        with self._lock:
            rows = {item_id: self._rows.get((project, active.version, item_id)) for item_id in item_ids}
        return {item_id: row for item_id, row in rows.items() if row}

    def popular(self, project: str, active: ActiveModel, category: str) -> Row:
        """Returns the popular list of a version's training; category "" is all items."""
        return self._list(project, active, POPULAR, category)

    def bought_together(self, project: str, active: ActiveModel, item_ids: Sequence[str]) -> dict[str, Row]:
        """Returns what each of some items is bought together with, for those that are."""
        rows = {item_id: self._list(project, active, BOUGHT_TOGETHER, item_id) for item_id in item_ids}
        return {item_id: row for item_id, row in rows.items() if row}

    def terms(self, project: str, active: ActiveModel) -> Row:
        """Returns how rare each term is among the items of a version."""
        return self._list(project, active, TERMS, "")

    def last_popular(self, project: str) -> tuple[ActiveModel, Row]:
        """Returns the popular list that was loaded last, whatever its age.

        Raises:
            Unavailable: this instance has not served the project yet.
        """
        with self._lock:
            last = self._last_popular.get(project)
        if last is None:
            raise Unavailable("The database cannot be reached and this instance has nothing in memory yet. Try again.")
        return last

    def _list(self, project: str, active: ActiveModel, kind: str, name: str) -> Row:
        self._load(project, active, [], [(kind, name)])
        with self._lock:
            return self._lists[kind].get((project, active.version, name), Row())

    def _load(
        self, project: str, active: ActiveModel, item_ids: Sequence[str], lists: Sequence[tuple[str, str]]
    ) -> None:
        """Reads the rows, and the lists by kind and name, that are not in memory."""
        version = active.version
        with self._lock:
            missing_rows = [item_id for item_id in item_ids if (project, version, item_id) not in self._rows]
            missing_lists = [(kind, name) for kind, name in lists if (project, version, name) not in self._lists[kind]]
        if not missing_rows and not missing_lists:
            return
        packed_rows, packed_lists = self._neighbors.get(project, version, missing_rows, missing_lists)
        with self._lock:
            for item_id in missing_rows:
                self._rows[project, version, item_id] = _unpack(packed_rows.get(item_id))
            for kind, name in missing_lists:
                scores = self._lists[kind][project, version, name] = _unpack(packed_lists.get((kind, name)))
                if kind == POPULAR and not name and scores:
                    self._last_popular[project] = (active, scores)


def _unpack(packed: bytes | None) -> Row:
    return packing.unpack(packed) if packed else Row()
