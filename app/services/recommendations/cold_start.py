"""Cold start: content-based neighbors for items that are newer than the model."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from threading import Lock
from typing import Any

from cachetools import LRUCache

from app.domain.items import Item
from app.domain.models import ActiveModel
from app.recommender.content import NewItems, strength
from app.recommender.packing import Row
from app.services.catalog.item_cache import ItemCache
from app.services.models.cache import ModelCache
from app.storage.database import awaited

MAX_COMPARED = 20
"""The user's items with the largest weights; new items are compared with these."""
MAX_NEW = 80
"""The newest items. Together with the compared ones they fit into one database call."""
MAX_INDEXES = 1_000

State = tuple[tuple[str, datetime], ...]


class ColdStart:
    def __init__(self, models: ModelCache, items: ItemCache, submit: Callable[..., Future[Any]]) -> None:
        self._models, self._items, self._submit = models, items, submit
        self._lock = Lock()
        self._indexes: LRUCache[tuple[str, str], tuple[State, NewItems]] = LRUCache(MAX_INDEXES)

    def neighbors(
        self, project: str, active: ActiveModel, weighted: Sequence[tuple[str, float]], bought: Sequence[str] = ()
    ) -> Mapping[str, Row]:
        """Returns the neighbors of items: those of the model, and new items with similar content.

        Args:
            project: the project of the items.
            active: the model version.
            weighted: the items and their weights.
            bought: items for which the cache gets, in the same round trip, what they are bought together with.
        """
        usual_weight, item_ids = active.scoring.content_weight, [item_id for item_id, _ in weighted]
        latest = self._items.latest(project, None) if item_ids and active.newest_item else {}
        new = [item_id for item_id, created_at in latest.items() if active.is_new(created_at)][:MAX_NEW]
        if not new or usual_weight is None:
            return self._models.rows(project, active, item_ids, bought=bought)
        compared = [item_id for item_id, _ in sorted(weighted, key=lambda entry: -abs(entry[1]))[:MAX_COMPARED]]
        reading = self._submit(self._items.get_many, project, list(dict.fromkeys((*new, *compared))))
        rows = dict(self._models.rows(project, active, item_ids, terms=True, bought=bought))
        items = awaited(reading)
        index = self._index(project, active, [items[item_id] for item_id in new if item_id in items])
        for item_id in compared:
            if item_id in items:
                near = index.near(items[item_id]).items()
                similar = {name: strength(0) * usual_weight * cosine for name, cosine in near}
                rows[item_id] = rows.get(item_id, Row()).with_similar(similar)
        return rows

    def _index(self, project: str, active: ActiveModel, items: Sequence[Item]) -> NewItems:
        """Returns the index of the new items; it is rebuilt when one of them changes."""
        key = project, active.version
        state = tuple((item.item_id, item.updated_at) for item in items)
        with self._lock:
            cached = self._indexes.get(key)
        if cached is not None and cached[0] == state:
            return cached[1]
        index = NewItems([item for item in items if not item.deleted], self._models.terms(project, active))
        with self._lock:
            self._indexes[key] = state, index
        return index
