"""Lists that move: the counters of a project, summed up over time and folded into small rows for readers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from threading import Lock
from time import monotonic

from cachetools import LRUCache, TTLCache

from app import telemetry
from app.config import Settings
from app.domain.items import Item
from app.domain.recommendations import POPULAR, TRENDING, LiveList
from app.errors import Unavailable
from app.recommender import counts, packing, trends
from app.recommender.counts import FINE_SECONDS, Counts
from app.services.counters.rollups import Rollups
from app.storage.counters import DAY, CounterStore, PendingRefresh
from app.storage.items import ItemStore
from app.storage.lists import LiveListStore

LISTED = 100
CANDIDATES = 1_000
"""Of each list, items that are sorted into categories."""
CATEGORY_SECONDS = 600.0
"""For how long an item's previous categories may still count."""
MAX_PROJECTS, MAX_ITEMS = 10_000, 50_000


class Lists:
    def __init__(
        self,
        counters: CounterStore,
        sums: Rollups,
        lists: LiveListStore,
        items: ItemStore,
        settings: Settings,
        active: Callable[[str], bool],
        summed: Callable[[str, Counts], object],
        clock: Callable[[], datetime],
    ) -> None:
        """`summed` is told of all that was counted, after the lists were made of it."""
        self._counters, self._sums, self._lists, self._items, self._summed = counters, sums, lists, items, summed
        self._settings, self._active, self._clock = settings, active, clock
        self._lock = Lock()
        self._refreshed: LRUCache[str, float] = LRUCache(MAX_PROJECTS)
        self._known: TTLCache[tuple[str, str], tuple[str, ...]] = TTLCache(MAX_ITEMS, CATEGORY_SECONDS, monotonic)

    def changed(self, project: str, times: Iterable[int]) -> None:
        """The counters of these times changed: make the lists anew, or let it be done a little later."""
        touched = {counts.floor(time, FINE_SECONDS) for time in times}
        with self._lock:
            age = monotonic() - self._refreshed.get(project, float("-inf"))
        if age < self._settings.lists_seconds:
            self._counters.mark_due(project, sorted(touched), self._clock().timestamp())
            return
        due = self._counters.due(project) or PendingRefresh(project)
        self.refresh(project, touched | due.touched)
        if due.version:
            self._counters.done(due)

    def refresh_due(self) -> int:
        """Make the lists anew that were put off and that no event came to make since; returns of how many projects."""
        refreshed, before = 0, self._clock().timestamp() - self._settings.lists_seconds
        for one in self._counters.all_due():
            if one.since > before:
                continue
            try:
                if self._active(one.project):
                    self.refresh(one.project, one.touched)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - one project's trouble is not the others'
                telemetry.tell_failure(telemetry.current(), error)
                continue
            self._counters.done(one)
            refreshed += 1
        return refreshed

    def refresh(self, project: str, touched: Iterable[int]) -> None:
        """Sum up the counters of these times, and write the lists that differ from those that are there."""
        with self._lock:
            self._refreshed[project] = monotonic()
        total, changed = self._sums.of(project, self._settings.popular_window_days, touched)
        self._write(
            project,
            counts.of_items(total),
            set(filter(counts.is_item, changed)),
            self._clock().timestamp(),
        )
        self._summed(project, total)

    def _write(self, project: str, total: Counts, touched: set[str], now: float) -> None:
        settings = self._settings
        ranked = {
            POPULAR: trends.popular(total, now, settings.popular_window_days * DAY),
            TRENDING: trends.trending(total, now, settings.trending_half_life_seconds),
        }
        named = {item_id for one in ranked.values() for item_id, _ in one[:CANDIDATES]} | touched
        categories = self._categories(project, sorted(named))
        wanted = {"", *(category for item_id in touched for category in categories.get(item_id, ()))}
        made = [
            LiveList(kind, category, now, packing.pack(_of_category(one, category, categories)))
            for kind, one in ranked.items()
            for category in sorted(wanted)
        ]
        present = self._lists.get(project, [(one.kind, one.category) for one in made])
        age = settings.trending_half_life_seconds / 4
        self._lists.put(project, [one for one in made if _differs(one, present.get((one.kind, one.category)), age)])

    def _categories(self, project: str, item_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        with self._lock:
            known = {one: self._known[project, one] for one in item_ids if (project, one) in self._known}
        missing = [item_id for item_id in item_ids if item_id not in known]
        found: dict[str, Item] = self._items.get_many(project, missing)
        for item_id in missing:
            known[item_id] = found[item_id].categories if item_id in found else ()
        with self._lock:
            self._known.update({(project, item_id): known[item_id] for item_id in missing if item_id in found})
        return known


def _of_category(
    ranked: trends.Ranked, category: str, categories: Mapping[str, tuple[str, ...]]
) -> list[tuple[str, float]]:
    chosen = ranked if not category else [one for one in ranked if category in categories.get(one[0], ())]
    return chosen[:LISTED]


def _differs(made: LiveList, present: LiveList | None, most_seconds: float) -> bool:
    """Whether it has to be written: its order changed, or the scores that are there are old."""
    if present is None:
        return made.packed != packing.pack([])
    same = list(packing.unpack(made.packed)) == list(packing.unpack(present.packed))
    return not same or made.as_of - present.as_of > most_seconds
