"""Recent popularity in memory, at most a minute old. It is read while the request waits for other reads."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple

from cachetools import LRUCache

from app import telemetry
from app.clock import Clock
from app.domain.models import Scoring
from app.domain.recommendations import RECENT
from app.errors import SerendipError
from app.recommender import packing, trends
from app.recommender.events.weights import SECONDS_A_DAY
from app.storage.database import awaited
from app.storage.lists import LiveListStore

MAX_PROJECTS = 200
TTL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class RecentPopularity:
    """The recent popularity of a project's items at a time, in seconds since 1970."""

    of_items: dict[str, float] = field(default_factory=dict)
    as_of: float = 0.0

    def factors(self, scoring: Scoring, now: float) -> dict[str, float]:
        """Returns the factors that multiply scores, by item; other items have the factor 1."""
        if not scoring.recent_half_life_days:
            return {}
        half_life_seconds = scoring.recent_half_life_days * SECONDS_A_DAY
        return trends.recent_factors(self.of_items, now - self.as_of, half_life_seconds, scoring.recent_exponent)


class _Read(NamedTuple):
    started_at: float
    popularity: "Future[RecentPopularity]"


class RecentCache:
    def __init__(self, lists: LiveListStore, clock: Clock, submit: "Callable[..., Future[Any]]") -> None:
        self._store, self._clock, self._submit = lists, clock, submit
        self._lock = Lock()
        self._reads: LRUCache[str, _Read] = LRUCache(MAX_PROJECTS)

    def renew(self, project: str) -> None:
        """Starts to read what is in memory again, if it is too old."""
        with self._lock:
            read = self._reads.get(project)
            if read is not None and self._clock.monotonic() - read.started_at > TTL_SECONDS:
                self._start(project, read.popularity)

    def begin(self, project: str) -> "Future[RecentPopularity]":
        """Returns the popularity that is in memory or being read; otherwise starts to read it."""
        with self._lock:
            read = self._reads.get(project)
            return read.popularity if read is not None else self._start(project, None)

    def _start(self, project: str, last: "Future[RecentPopularity] | None") -> "Future[RecentPopularity]":
        popularity = self._submit(self._read, project, last)
        self._reads[project] = _Read(self._clock.monotonic(), popularity)
        return popularity

    def _read(self, project: str, last: "Future[RecentPopularity] | None") -> RecentPopularity:
        """Reads the list. If that fails, what was read last stays: no recommendation fails for want of it."""
        try:
            live = self._store.get(project, [(RECENT, "")]).get((RECENT, ""))
        except SerendipError as error:
            telemetry.log_failure(telemetry.current(), error)
            return awaited(last) if last is not None else RecentPopularity()
        return RecentPopularity(packing.unpack(live.packed), live.as_of) if live else RecentPopularity()
