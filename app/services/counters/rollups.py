"""Counters of a project summed up over time: fine rows of the last hours, hours of the last days, days before."""

from collections.abc import Iterable, Mapping

from app.clock import Clock
from app.recommender import counts
from app.recommender.counts import COARSE_SECONDS, FINE_SECONDS, Counts
from app.storage.counters import DAY, FINEST, Counted, CounterStore

HOUR = 3_600
PARTS: Mapping[int, int] = {FINE_SECONDS: FINEST, HOUR: FINE_SECONDS, DAY: FINE_SECONDS}
"""What each level is the sum of."""
SLOTS: Mapping[int, int] = {FINE_SECONDS: FINE_SECONDS, HOUR: HOUR, DAY: COARSE_SECONDS}
"""In slots of how many seconds."""
MOST_BYTES = 100_000
"""Of a row; the lightest items of a larger one are left out."""
FINE_HOURS, HOURLY_DAYS = 2, 1
"""Whole hours and days before now that are read in detail."""
NOTHING: Iterable[int] = ()


class Rollups:
    def __init__(self, counters: CounterStore, clock: Clock) -> None:
        self._counters, self._clock = counters, clock

    def of(self, project: str, days: float, touched: Iterable[int] = NOTHING) -> tuple[Counts, set[str]]:
        """All that was counted in the last days, and the names in slots that were touched, which are summed anew.

        Sums that were never made are made and written, so that the next reader finds them.
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
        """The rows of a level, summing up those that changed and those that never were."""
        present = self._counters.between(project, level, begin, end)
        missing = set(range(begin, end, level)) - {row.start for row in present}
        for start in sorted(missing | again):
            self._sum(project, level, start, now)
        return self._counters.between(project, level, begin, end) if missing | again else present

    def _sum(self, project: str, level: int, start: int, now: float) -> set[str]:
        """Sum up one row and write it; returns every name in its parts, also those whose counts cancel out."""
        parts = self._counters.between(project, PARTS[level], start, start + level)
        unpacked = _unpacked(parts)
        total = counts.summed(unpacked, SLOTS[level])
        version = sum(part.version for part in parts)
        packed = counts.packed_within(total, MOST_BYTES)
        self._counters.put_sum(project, level, Counted(start, packed, version=version), now)
        return {name for part in unpacked for _, name in part}


def _unpacked(several: Iterable[Counted]) -> list[Counts]:
    return [counts.unpack(one.packed) for one in several if one.packed]
