"""Items that came after the model: beside its rows, by what they and the user's loudest items say of themselves."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from threading import Lock
from typing import Any

from cachetools import LRUCache

from app.domain.items import Item
from app.domain.models import ActiveModel
from app.recommender.content import NewItems
from app.services.recommendations.cache import ServingCache

LOUDEST = 20
"""Of a user's items, those that new items are compared with."""
MOST_NEW = 80
"""Of the newest items; with those that they are compared with they come in one call."""
MAX_INDEXES = 1_000

State = tuple[tuple[str, datetime], ...]


class ColdStart:
    def __init__(self, cache: ServingCache, beside: Callable[..., Future[Any]]) -> None:
        self._cache, self._beside = cache, beside
        self._lock = Lock()
        self._indexes: LRUCache[tuple[str, str], tuple[State, NewItems]] = LRUCache(MAX_INDEXES)

    def rows(
        self,
        project: str,
        active: ActiveModel,
        weighted: Sequence[tuple[str, float]],
    ) -> Mapping[str, Mapping[str, float]]:
        """The neighbors of a user's items: those of the model, and the new items that resemble them.

        Args:
            project: of all of them.
            active: the model.
            weighted: the user's items and what they weigh.
        """
        usual, sources = active.scoring.content_weight, [item_id for item_id, _ in weighted]
        newest = self._cache.latest(project, None) if sources and active.newest_item else {}
        new = [item_id for item_id, created_at in newest.items() if active.is_new(created_at)][:MOST_NEW]
        if not new or usual is None:
            return self._cache.rows(project, active, sources)
        loudest = [item_id for item_id, _ in sorted(weighted, key=lambda entry: -abs(entry[1]))[:LOUDEST]]
        facts = self._beside(self._cache.facts, project, list(dict.fromkeys((*new, *loudest))))
        rows = dict(self._cache.rows(project, active, sources, terms=True))
        known = facts.result()
        index = self._index(project, active, [known[item_id] for item_id in new if item_id in known])
        for item_id in loudest:
            if item_id in known:
                near = {name: usual * cosine for name, cosine in index.near(known[item_id]).items()}
                rows[item_id] = near | dict(rows.get(item_id, {}))
        return rows

    def _index(self, project: str, active: ActiveModel, items: Sequence[Item]) -> NewItems:
        """Made anew when one of them was put or changed."""
        key = project, active.version
        state = tuple((item.item_id, item.updated_at) for item in items)
        with self._lock:
            found = self._indexes.get(key)
        if found is None or found[0] != state:
            shown = [item for item in items if not item.deleted]
            found = state, NewItems(shown, self._cache.terms(project, active))
            with self._lock:
                self._indexes[key] = found
        return found[1]
