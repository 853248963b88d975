"""Live lists: rankings of a project's counters, stored in small rows that are cheap to read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from threading import Lock

from cachetools import LRUCache, TTLCache

from app.clock import Clock
from app.config import Settings
from app.domain.items import Item
from app.domain.models import ActiveModel
from app.domain.recommendations import POPULAR, RECENT, TRENDING, LiveList
from app.recommender import counts, packing, trends
from app.recommender.counts import FINE_SECONDS, Counts
from app.services.counters.rollups import Rollups
from app.storage.counters import DAY, CounterStore, PendingRefresh
from app.storage.items import ItemStore
from app.storage.lists import LiveListStore

LISTED = 100
TRENDING_IN_CATEGORY = 36
"""So many UUIDs fit into a write unit. Each event moves the order of its categories."""
HEAD = 20
"""The first items of a popular list: if these change, it is stored at once."""
POPULAR_SECONDS = 1_800.0
"""How long the others and the scores of a popular list, which counts weeks, may stay as they are."""
CANDIDATES = 1_000
"""The number of best items in each ranking that category lists are made of."""
NOTICEABLE = 1.1
"""The ratio of recent popularity to the stored one from which on it is stored again."""
CATEGORY_SECONDS = 3_600.0
"""How long an item's former categories may still be used. Looking them up again is most of what a refresh reads."""
SPARE_SECONDS = 60
"""More than clocks differ by."""
MAX_PROJECTS, MAX_ITEMS = 10_000, 50_000


class Lists:
    def __init__(
        self,
        counters: CounterStore,
        rollups: Rollups,
        lists: LiveListStore,
        items: ItemStore,
        settings: Settings,
        clock: Clock,
        active: Callable[[str], ActiveModel | None],
        unknown_items: Callable[[str], bool | None],
    ) -> None:
        """The last arguments look up projects.

        `active` returns the active model, and `unknown_items` whether items without a record are listed: None means as
        long as there are no others.
        """
        self._active, self._unknown_items = active, unknown_items
        self._counters, self._rollups, self._lists, self._items = counters, rollups, lists, items
        self._settings, self._clock = settings, clock
        self._lock = Lock()
        self._refreshed: LRUCache[str, float] = LRUCache(MAX_PROJECTS)
        self._scheduled: LRUCache[str, frozenset[int]] = LRUCache(MAX_PROJECTS)
        """The times that this instance has scheduled since it refreshed the lists."""
        self._cached: TTLCache[tuple[str, str], tuple[str, ...]] = TTLCache(
            MAX_ITEMS, CATEGORY_SECONDS, clock.monotonic
        )

    def changed(self, project: str, times: Iterable[int]) -> Counts | None:
        """Refreshes the lists after counters changed, or schedules it if they were refreshed just now.

        Returns:
            The project's counters, or None if the refresh was scheduled.
        """
        touched = {counts.floor(time, FINE_SECONDS) for time in times}
        with self._lock:
            age = self._clock.monotonic() - self._refreshed.get(project, float("-inf"))
        if age < self._settings.lists_seconds:
            self._schedule(project, touched)
            return None
        pending = self._counters.pending(project) or PendingRefresh(project)
        return self.refresh_pending(replace(pending, touched=pending.touched | touched))

    def _schedule(self, project: str, touched: set[int]) -> None:
        """Schedules a refresh, unless this instance has scheduled one since the last and the times are still open."""
        now = self._clock.now().timestamp()
        closed = {start for start in touched if start + FINE_SECONDS <= now}
        with self._lock:
            scheduled = self._scheduled.get(project, frozenset())
            self._scheduled[project] = scheduled | touched
        if closed or not touched <= scheduled:
            try:
                self._counters.schedule(project, sorted(touched), now)
            except BaseException:
                with self._lock:
                    self._scheduled.pop(project, None)
                raise

    def overdue(self) -> list[PendingRefresh]:
        """Returns the refreshes that were scheduled and no event has caused since, and the last ones of closed times.

        One that was scheduled in the future is due too: the clock was wrong then.
        """
        now, least = self._clock.now().timestamp(), self._settings.lists_seconds
        return [
            pending
            for pending in self._counters.all_pending()
            if (not _open(pending, now) if pending.since is None else abs(now - pending.since) >= least)
        ]

    def refresh_pending(self, pending: PendingRefresh) -> Counts:
        """Carries out a scheduled refresh; returns the project's counters.

        Times stay scheduled until a refresh begins after they have closed. So an instance that has scheduled a time
        need not schedule it again for each batch, whoever refreshes the lists meanwhile.
        """
        remaining = _open(pending, self._clock.now().timestamp())
        total = self.refresh(pending.project, pending.touched)
        if pending.version:
            self._counters.complete(pending, remaining)
        return total

    def discard(self, pending: PendingRefresh) -> None:
        """Completes a scheduled refresh of a project that no longer exists."""
        self._counters.complete(pending)

    def refresh(self, project: str, touched: Iterable[int]) -> Counts:
        """Sums up the counters of the touched times and writes the lists that changed; returns all counters."""
        with self._lock:
            self._refreshed[project] = self._clock.monotonic()
            self._scheduled.pop(project, None)
        total, changed = self._rollups.of(project, self._settings.popular_window_days, touched)
        touched_items = {item_id for name in changed if (item_id := counts.item_of(name)) is not None}
        active, now = self._active(project), self._clock.now().timestamp()
        liked = counts.of_items(total, active.scoring.rating_threshold if active else None)
        self._write(project, liked, touched_items, now)
        if active and active.recent_half_life_days:
            self._write_recent(project, liked, now, active.recent_half_life_days * DAY)
        return total

    def _write(self, project: str, total: Counts, touched: set[str], now: float) -> None:
        settings = self._settings
        ranked = {
            POPULAR: trends.popular(total, now, settings.popular_window_days * DAY),
            TRENDING: trends.trending(total, now, settings.trending_half_life_seconds),
        }
        listed = {item_id for ranking in ranked.values() for item_id, _ in ranking[:CANDIDATES]} | touched
        categories = self._categories(project, sorted(listed))
        unknown_items = self._unknown_items(project)
        if unknown_items is False or (unknown_items is None and categories):
            ranked = {kind: [entry for entry in ranking if entry[0] in categories] for kind, ranking in ranked.items()}
        wanted = {"", *(category for item_id in touched for category in categories.get(item_id, ()))}
        lists = [
            LiveList(kind, category, now, packing.pack(_of_category(kind, ranking, category, categories)))
            for kind, ranking in ranked.items()
            for category in sorted(wanted)
        ]
        stored = self._lists.get(project, [(new.kind, new.category) for new in lists])
        max_age = settings.trending_half_life_seconds / 4
        self._lists.put(project, [new for new in lists if _differs(new, stored.get((new.kind, new.category)), max_age)])

    def _write_recent(self, project: str, total: Counts, now: float, half_life_seconds: float) -> None:
        """Writes recent popularity if that changes a score noticeably: a full list costs about 7 write units."""
        popularity = dict(trends.recent(total, now, half_life_seconds))
        stored = self._lists.get(project, [(RECENT, "")]).get((RECENT, ""))
        if stored is not None:
            age, before = now - stored.as_of, packing.unpack(stored.packed)
            change = trends.recent_change(before, popularity, age, half_life_seconds)
            if change < NOTICEABLE and age < half_life_seconds / 4:
                return
        self._lists.put(project, [LiveList(RECENT, "", now, packing.pack(popularity.items()))])

    def _categories(self, project: str, item_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Returns the categories of items by id; items without a record are left out."""
        with self._lock:
            categories = {name: self._cached[project, name] for name in item_ids if (project, name) in self._cached}
        missing = [item_id for item_id in item_ids if item_id not in categories]
        items: dict[str, Item] = self._items.get_many(project, missing)
        for item_id in missing:
            if item_id in items:
                categories[item_id] = items[item_id].categories
        with self._lock:
            self._cached.update({(project, item_id): categories[item_id] for item_id in missing if item_id in items})
        return categories


def _of_category(
    kind: str, ranked: trends.Ranked, category: str, categories: Mapping[str, tuple[str, ...]]
) -> list[tuple[str, float]]:
    scores = [(item_id, score) for item_id, score in ranked if not category or category in categories.get(item_id, ())]
    return scores[: TRENDING_IN_CATEGORY if category and kind == TRENDING else LISTED]


def _differs(new: LiveList, stored: LiveList | None, trending_seconds: float) -> bool:
    """Whether a list must be stored: an order that matters has changed, or the stored list is too old."""
    if stored is None:
        return new.packed != packing.pack([])
    compared, max_age = (HEAD, POPULAR_SECONDS) if new.kind == POPULAR else (LISTED, trending_seconds)
    now, before = (list(packing.unpack(each.packed))[:compared] for each in (new, stored))
    return now != before or new.as_of - stored.as_of > max_age


def _open(pending: PendingRefresh, now: float) -> set[int]:
    """Returns the times whose counters other instances may still change without scheduling a refresh."""
    return {start for start in pending.touched if start + FINE_SECONDS + SPARE_SECONDS > now}
