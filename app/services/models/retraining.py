"""Trainings that nobody asks for: begun when enough events, or enough time and any event, came since the last one."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock
from time import monotonic

from cachetools import TTLCache

from app import telemetry
from app.config import Settings
from app.domain.jobs import Job
from app.errors import Conflict, WorkerUnavailable
from app.recommender import outcomes
from app.recommender.counts import Counts
from app.services.counters.rollups import HOUR
from app.storage.versions import VersionStore

LOOK_SECONDS = 30.0
MAX_PROJECTS = 10_000


class Retraining:
    def __init__(
        self,
        versions: VersionStore,
        settings: Settings,
        begin: Callable[[str], Job],
        clock: Callable[[], datetime],
    ) -> None:
        """`begin` starts a training of a project somewhere; it raises WorkerUnavailable."""
        self._versions, self._settings, self._begin, self._clock = versions, settings, begin, clock
        self._lock = Lock()
        self._looked: TTLCache[str, bool] = TTLCache(MAX_PROJECTS, LOOK_SECONDS, monotonic)

    def consider(self, project: str, total: Counts) -> Job | None:
        """Begin a training if one is due by what was counted; returns the job.

        Of all instances that find it due, one begins it.
        """
        settings = self._settings
        if settings.retrain_events is None and settings.retrain_hours is None:
            return None
        with self._lock:
            if project in self._looked:
                return None
            self._looked[project] = True
        newest = next(iter(self._versions.list_page(project, None, 1).records), None)
        since = newest.created_at.timestamp() if newest else 0.0
        came = outcomes.arrived_since(total, since)
        enough = settings.retrain_events is not None and came >= settings.retrain_events
        age = self._clock().timestamp() - since
        late = settings.retrain_hours is not None and age >= settings.retrain_hours * HOUR
        if came <= 0 or not (enough or late):
            return None
        try:
            self._versions.claim(project, newest.version if newest else None)
            return self._begin(project)
        except Conflict:  # another instance was faster
            return None
        except WorkerUnavailable as error:  # the events go on, and whoever looks at the log learns why
            telemetry.tell_failure(telemetry.current(), error)
            return None
