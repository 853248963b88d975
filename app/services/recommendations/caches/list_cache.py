"""Live lists in memory: popular and trending items as the stream counted them."""

from threading import Lock

from cachetools import TTLCache

from app.clock import Clock
from app.config import Settings
from app.domain.recommendations import POPULAR, TRENDING, LiveList
from app.recommender import packing, trends
from app.storage.lists import LiveListStore

MAX_LISTS = 500
KINDS = (POPULAR, TRENDING)


class ListCache:
    def __init__(self, lists: LiveListStore, settings: Settings, clock: Clock) -> None:
        self._store = lists
        self._half_life_seconds = settings.trending_half_life_seconds
        self._lock = Lock()
        self._lists: TTLCache[tuple[str, str, str], LiveList | None] = TTLCache(
            MAX_LISTS, settings.list_ttl_seconds, clock.monotonic
        )

    def popular(self, project: str, category: str) -> dict[str, float]:
        """Returns the recently popular items of a category; "" is all items."""
        live = self._get(project, POPULAR, category)
        return packing.unpack(live.packed) if live else {}

    def trending(self, project: str, category: str, now: float) -> dict[str, float]:
        """Returns the trending items of a category with their scores at a time (seconds since 1970)."""
        live = self._get(project, TRENDING, category)
        if live is None:
            return {}
        return trends.faded(packing.unpack(live.packed), now - live.as_of, self._half_life_seconds)

    def _get(self, project: str, kind: str, category: str) -> LiveList | None:
        """Returns a list at most `list_ttl_seconds` old; both kinds of a category come in one round trip."""
        with self._lock:
            if (project, kind, category) in self._lists:
                return self._lists[project, kind, category]
        lists = self._store.get(project, [(kind, category) for kind in KINDS])
        with self._lock:
            for each in KINDS:
                self._lists[project, each, category] = lists.get((each, category))
        return lists.get((kind, category))
