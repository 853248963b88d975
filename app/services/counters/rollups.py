"""Rollups of a project's counters: fine rows for the last hours, then a row per hour, then a row per day."""

from collections.abc import Iterable, Mapping
from threading import Lock

from cachetools import TTLCache

from app.clock import Clock
from app.recommender import counts
from app.recommender.counts import COARSE_SECONDS, FINE_SECONDS, Counts
from app.storage.counters import DAY, FINEST, Counted, CounterStore

HOUR = 3_600
PARTS: Mapping[int, int] = {FINE_SECONDS: FINEST, HOUR: FINE_SECONDS, DAY: FINE_SECONDS}
"""The level that each level sums up."""
SLOTS: Mapping[int, int] = {FINE_SECONDS: FINE_SECONDS, HOUR: HOUR, DAY: COARSE_SECONDS}
"""The seconds of a slot at each level."""
MOST_BYTES = 100_000
"""The maximum size of a row; a larger row drops its lightest items."""
FINE_HOURS, HOURLY_DAYS = 2, 1
"""The whole hours and days before now that are read at a finer level."""
MEMORY_BYTES = 32_000_000
"""Of the rows of hours and days that an instance keeps: some MB for a project with tens of thousands of items."""
NOTHING: Iterable[int] = ()


class Rollups:
    """Rows of hours and days are read once an hour: they change only if the stream is hours late."""

    def __init__(self, counters: CounterStore, clock: Clock) -> None:
        self._counters, self._clock = counters, clock
        self._past: TTLCache[tuple[str, int, int], Counted] = TTLCache(
            MEMORY_BYTES, HOUR, clock.monotonic, getsizeof=lambda row: len(row.packed or b"")
        )
        self._lock = Lock()

    def of(self, project: str, days: float, touched: Iterable[int] = NOTHING) -> tuple[Counts, set[str]]:
        """Returns the counts of the last days and the names in the touched slots, which are summed up again.

        Missing rollups are computed and stored for the next reader.
        """
        now = self._clock.now().timestamp()
        times = sorted(touched)
        fine_from = counts.floor(int(now), HOUR) - FINE_HOURS * HOUR
        hourly_from = counts.floor(fine_from, DAY) - HOURLY_DAYS * DAY
        changed = {name for start in times for name in self._sum(project, FINE_SECONDS, start, now)}
        hours = {counts.floor(start, HOUR) for start in times if start < fine_from}
        hourly = self._covered(project, HOUR, hourly_from, fine_from, hours, now)
        days_again = {counts.floor(hour, DAY) for hour in hours if hour < hourly_from}
        window_from = counts.floor(int(now - days * DAY), DAY)
        daily = self._covered(project, DAY, window_from, hourly_from, days_again, now)
        fine = self._counters.between(project, FINE_SECONDS, fine_from, int(now) + HOUR)
        return counts.summed(_unpacked([*daily, *hourly, *fine])), changed

    def _covered(self, project: str, level: int, begin: int, end: int, again: set[int], now: float) -> list[Counted]:
        """Returns the rows of a level, after summing up missing rows and those in `again`."""
        starts = range(begin, end, level)
        with self._lock:
            kept = [row for start in starts if (row := self._past.get((project, level, start))) is not None]
        if len(kept) == len(starts) and not again:
            return kept
        present = self._counters.between(project, level, begin, end)
        missing = set(starts) - {row.start for row in present}
        for start in sorted(missing | again):
            self._sum(project, level, start, now)
        rows = self._counters.between(project, level, begin, end) if missing | again else present
        with self._lock:
            self._past.update({(project, level, row.start): row for row in rows})
        return rows

    def _sum(self, project: str, level: int, start: int, now: float) -> set[str]:
        """Sums up and stores one row; returns every name in its parts, also those whose counts cancel out."""
        parts = self._counters.between(project, PARTS[level], start, start + level)
        unpacked = _unpacked(parts)
        total = counts.summed(unpacked, SLOTS[level])
        version = sum(part.version for part in parts)
        packed = counts.packed_within(total, MOST_BYTES)
        self._counters.put_sum(project, level, Counted(start, packed, version=version), now)
        return {name for part in unpacked for _, name in part}


def _unpacked(rows: Iterable[Counted]) -> list[Counts]:
    return [counts.unpack(row.packed) for row in rows if row.packed]
