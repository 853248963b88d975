"""What an instance remembers between requests, so that a warm one asks the database for the user's events only.

Rows and lists of a version never change; items are kept up by their changes; the pointer and moving lists are re-read
after seconds (`Settings`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Lock
from time import monotonic

from cachetools import LRUCache, TTLCache

from app.config import Settings
from app.domain.items import Item
from app.domain.models import ActiveModel
from app.domain.recommendations import POPULAR, TERMS, TRENDING, LiveList
from app.errors import Unavailable
from app.recommender import packing, trends
from app.services.recommendations.catalog_changes import CatalogChanges
from app.storage.items import ItemStore
from app.storage.lists import LiveListStore
from app.storage.neighbors import NeighborStore
from app.storage.versions import VersionStore

MAX_PROJECTS = 10_000
MAX_FACTS = 50_000
FACTS_SECONDS = 600.0
"""After which an item is read again even if nothing was told of it: the index of changes may have been very late."""
MAX_LISTS = 500
MAX_VOCABULARIES = 100
LATEST_ITEMS = 100
MOVING = (POPULAR, TRENDING)


class ServingCache:
    def __init__(
        self,
        neighbors: NeighborStore,
        moving: LiveListStore,
        items: ItemStore,
        changes: CatalogChanges,
        versions: VersionStore,
        settings: Settings,
    ) -> None:
        self._neighbors, self._items, self._versions = neighbors, items, versions
        self._moving_lists, self._changes = moving, changes
        self._lock = Lock()
        self._pointers: TTLCache[str, ActiveModel | None] = TTLCache(
            MAX_PROJECTS, settings.pointer_ttl_seconds, monotonic
        )
        self._rows: LRUCache[tuple[str, str, str], dict[str, float]] = LRUCache(settings.row_cache_rows)
        self._lists: dict[str, LRUCache[tuple[str, str, str], dict[str, float]]] = {
            POPULAR: LRUCache(MAX_LISTS),
            TERMS: LRUCache(MAX_VOCABULARIES),
        }
        self._latest: TTLCache[tuple[str, str | None], dict[str, datetime]] = TTLCache(
            MAX_LISTS, settings.item_ttl_seconds, monotonic
        )
        self._facts: TTLCache[tuple[str, str], Item | None] = TTLCache(MAX_FACTS, FACTS_SECONDS, monotonic)
        self._moving: TTLCache[tuple[str, str, str], LiveList | None] = TTLCache(
            MAX_LISTS, settings.list_ttl_seconds, monotonic
        )
        self._half_life_seconds = settings.trending_half_life_seconds
        self._last: LRUCache[str, tuple[ActiveModel, dict[str, float]]] = LRUCache(MAX_PROJECTS)
        self._last_facts: LRUCache[tuple[str, str], Item | None] = LRUCache(MAX_FACTS)

    def knows_active(self, project: str) -> bool:
        with self._lock:
            return project in self._pointers

    def active(self, project: str) -> ActiveModel | None:
        """The active model's pointer, at most `pointer_ttl_seconds` old."""
        with self._lock:
            if project in self._pointers:
                return self._pointers[project]
        active = self._versions.active(project)
        with self._lock:
            self._pointers[project] = active
        return active

    def forget_active(self, project: str) -> None:
        """After moving the pointer here, this instance follows at once."""
        with self._lock:
            self._pointers.pop(project, None)

    def rows(
        self, project: str, active: ActiveModel, item_ids: Sequence[str], *, terms: bool = False
    ) -> dict[str, dict[str, float]]:
        """Decoded neighbor rows by item; those not in memory come in one round trip, with the popular list.

        And, if they will be asked for, with the version's terms.
        """
        self._load(project, active, item_ids, [(POPULAR, ""), (TERMS, "")] if terms else [(POPULAR, "")])
        with self._lock:
            found = {item_id: self._rows.get((project, active.version, item_id)) for item_id in item_ids}
        return {item_id: row for item_id, row in found.items() if row}

    def popular(self, project: str, active: ActiveModel | None, category: str) -> dict[str, float]:
        """Popular items of a category ("" for all): as counted of late, then those of the active version's training."""
        moving = self._moving_list(project, POPULAR, category)
        counted = packing.unpack(moving.packed) if moving else {}
        trained: dict[str, float] = {}
        if active is not None:
            trained = self._list(project, active, POPULAR, category)
        if not counted:
            return trained
        scale = min(counted.values()) / max(trained.values(), default=1.0)
        return counted | {item_id: scale * score for item_id, score in trained.items() if item_id not in counted}

    def terms(self, project: str, active: ActiveModel) -> dict[str, float]:
        """How rare terms are in the items of a version."""
        return self._list(project, active, TERMS, "")

    def _list(self, project: str, active: ActiveModel, kind: str, name: str) -> dict[str, float]:
        self._load(project, active, [], [(kind, name)])
        with self._lock:
            return self._lists[kind].get((project, active.version, name), {})

    def trending(self, project: str, category: str, now: float) -> dict[str, float]:
        """Trending items of a category ("" for all), with their scores at a time (seconds since 1970)."""
        moving = self._moving_list(project, TRENDING, category)
        if moving is None:
            return {}
        return trends.faded(packing.unpack(moving.packed), now - moving.as_of, self._half_life_seconds)

    def _moving_list(self, project: str, kind: str, category: str) -> LiveList | None:
        """A list at most `list_ttl_seconds` old; the two kinds of a category come in one round trip."""
        with self._lock:
            if (project, kind, category) in self._moving:
                return self._moving[project, kind, category]
        found = self._moving_lists.get(project, [(one, category) for one in MOVING])
        with self._lock:
            for one in MOVING:
                self._moving[project, one, category] = found.get((one, category))
        return found.get((kind, category))

    def latest(self, project: str, category: str | None) -> dict[str, datetime]:
        """The ids of the newest items and when they were created, at most `item_ttl_seconds` old."""
        with self._lock:
            known = self._latest.get((project, category))
        if known is None:
            known = self._items.latest(project, category, LATEST_ITEMS)
            with self._lock:
                self._latest[project, category] = known
        return known

    def last_popular(self, project: str) -> tuple[ActiveModel, dict[str, float]]:
        """The popular list that was loaded last, whatever its age.

        Raises:
            Unavailable: this instance has served nothing of the project yet.
        """
        with self._lock:
            last = self._last.get(project)
        if last is None:
            raise Unavailable("The database cannot be reached and this instance has nothing in memory yet. Try again.")
        return last

    def facts(self, project: str, item_ids: Sequence[str]) -> dict[str, Item]:
        """Items by id, at most `item_ttl_seconds` old; ids that were never put are left out."""
        self._changes.follow(project)
        with self._lock:
            known = {
                item_id: self._facts[project, item_id] for item_id in item_ids if (project, item_id) in self._facts
            }
        missing = [item_id for item_id in item_ids if item_id not in known]
        if missing:
            found = self._items.get_many(project, missing)
            with self._lock:
                for item_id in missing:
                    known[item_id] = found.get(item_id)
                    self._facts[project, item_id] = self._last_facts[project, item_id] = known[item_id]
        return {item_id: item for item_id, item in known.items() if item is not None}

    def learn(self, project: str, items: Iterable[Item]) -> None:
        """After a write of items here, this instance shows them at once."""
        with self._lock:
            for item in items:
                self._facts[project, item.item_id] = self._last_facts[project, item.item_id] = item

    def forget(self, project: str) -> None:
        """Read the project's items again when they are asked for."""
        with self._lock:
            for place in [place for place in self._facts if place[0] == project]:
                self._facts.pop(place, None)

    def renew(self, project: str, items: Iterable[Item]) -> None:
        """What is remembered of items becomes what was put or deleted elsewhere, unless that is older."""
        with self._lock:
            for item in items:
                place = project, item.item_id
                present = self._facts.get(place)
                if place in self._facts and (present is None or present.updated_at < item.updated_at):
                    self._facts[place] = self._last_facts[place] = item

    def remembered_facts(self, project: str, item_ids: Iterable[str]) -> dict[str, Item]:
        """What was last known of items, whatever its age."""
        with self._lock:
            found = {item_id: self._last_facts.get((project, item_id)) for item_id in item_ids}
        return {item_id: item for item_id, item in found.items() if item is not None}

    def _load(
        self, project: str, active: ActiveModel, item_ids: Sequence[str], wanted: Sequence[tuple[str, str]]
    ) -> None:
        """Rows, and lists by kind and name, as far as they are not in memory."""
        version = active.version
        with self._lock:
            rows = [item_id for item_id in item_ids if (project, version, item_id) not in self._rows]
            lists = [(kind, name) for kind, name in wanted if (project, version, name) not in self._lists[kind]]
        if not rows and not lists:
            return
        packed_rows, packed_lists = self._neighbors.get(project, version, rows, lists)
        with self._lock:
            for item_id in rows:
                packed = packed_rows.get(item_id)
                self._rows[project, version, item_id] = packing.unpack(packed) if packed else {}
            for kind, name in lists:
                packed = packed_lists.get((kind, name))
                listed = packing.unpack(packed) if packed else {}
                self._lists[kind][project, version, name] = listed
                if kind == POPULAR and not name and listed:
                    self._last[project] = (active, listed)
