"""Lists that move: the counters of a project, summed up over time and folded into small rows for readers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from threading import Lock
from time import monotonic

from cachetools import LRUCache, TTLCache

from app import telemetry
from app.config import Settings
from app.domain import POPULAR, TRENDING, Item, MovingList
from app.errors import Unavailable
from app.recommender import counts, rows, trends
from app.recommender.counts import COARSE_SECONDS, FINE_SECONDS, Counts
from app.storage.counters import DAY, FINEST, Counted, Counters, Due
from app.storage.items import Items
from app.storage.lists import MovingLists

HOUR = 3_600
PARTS: Mapping[int, int] = {FINE_SECONDS: FINEST, HOUR: FINE_SECONDS, DAY: FINE_SECONDS}
"""What each level is the sum of."""
SLOTS: Mapping[int, int] = {FINE_SECONDS: FINE_SECONDS, HOUR: HOUR, DAY: COARSE_SECONDS}
"""In slots of how many seconds."""
MOST_BYTES = 100_000
"""Of a row; the lightest items of a larger one are left out."""
FINE_HOURS, HOURLY_DAYS = 2, 1
"""Whole hours and days before now that are read in detail."""
LISTED = 100
CANDIDATES = 1_000
"""Of each list, items that are sorted into categories."""
CATEGORY_SECONDS = 600.0
"""For how long an item's previous categories may still count."""
MAX_PROJECTS, MAX_ITEMS = 10_000, 50_000


class Lists:
    def __init__(
        self,
        counters: Counters,
        lists: MovingLists,
        items: Items,
        settings: Settings,
        active: Callable[[str], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._counters, self._lists, self._items = counters, lists, items
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
            self._counters.mark_due(project, sorted(touched))
            return
        due = self._counters.due(project) or Due(project)
        self.refresh(project, touched | due.touched)
        if due.version:
            self._counters.done(due)

    def refresh_due(self) -> int:
        """Make the lists anew that were put off; returns of how many projects."""
        refreshed = 0
        for one in self._counters.all_due():
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
        now = self._clock().timestamp()
        fine_from = counts.floor(int(now), HOUR) - FINE_HOURS * HOUR
        hourly_from = counts.floor(fine_from, DAY) - HOURLY_DAYS * DAY
        changed = [self._sum(project, FINE_SECONDS, start, now) for start in sorted(touched)]
        hours = {counts.floor(start, HOUR) for start in touched if start < fine_from}
        hourly = self._covered(project, HOUR, hourly_from, fine_from, hours, now)
        days = {counts.floor(hour, DAY) for hour in hours if hour < hourly_from}
        window_from = counts.floor(int(now - self._settings.popular_window_days * DAY), DAY)
        daily = self._covered(project, DAY, window_from, hourly_from, days, now)
        fine = self._counters.between(project, FINE_SECONDS, fine_from, int(now) + HOUR)
        total = counts.summed(_unpacked([*daily, *hourly, *fine]))
        self._write(project, total, {item_id for one in changed for _, item_id in one}, now)

    def _covered(self, project: str, level: int, begin: int, end: int, again: set[int], now: float) -> list[Counted]:
        """The rows of a level, summing up those that changed and those that never were."""
        present = self._counters.between(project, level, begin, end)
        missing = set(range(begin, end, level)) - {row.start for row in present}
        for start in sorted(missing | again):
            self._sum(project, level, start, now)
        return self._counters.between(project, level, begin, end) if missing | again else present

    def _sum(self, project: str, level: int, start: int, now: float) -> Counts:
        parts = self._counters.between(project, PARTS[level], start, start + level)
        total = counts.summed(_unpacked(parts), SLOTS[level])
        version = sum(part.version for part in parts)
        packed = counts.packed_within(total, MOST_BYTES)
        self._counters.put_sum(project, level, Counted(start, packed, version=version), now)
        return total

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
            MovingList(kind, category, now, rows.pack(_of_category(one, category, categories)))
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


def _unpacked(several: Iterable[Counted]) -> list[Counts]:
    return [counts.unpack(one.packed) for one in several if one.packed]


def _of_category(
    ranked: trends.Ranked, category: str, categories: Mapping[str, tuple[str, ...]]
) -> list[tuple[str, float]]:
    chosen = ranked if not category else [one for one in ranked if category in categories.get(one[0], ())]
    return chosen[:LISTED]


def _differs(made: MovingList, present: MovingList | None, most_seconds: float) -> bool:
    """Whether it has to be written: its order changed, or the scores that are there are old."""
    if present is None:
        return made.packed != rows.pack([])
    same = list(rows.unpack(made.packed)) == list(rows.unpack(present.packed))
    return not same or made.as_of - present.as_of > most_seconds
