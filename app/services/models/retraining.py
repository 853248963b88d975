"""Automatic retraining after N events, or after N hours if there was at least one event."""

from threading import Lock

from cachetools import TTLCache

from app import telemetry
from app.clock import Clock
from app.config import Settings
from app.domain.jobs import Job
from app.errors import Conflict, WorkerUnavailable
from app.recommender import outcomes
from app.recommender.counts import Counts
from app.services.counters.rollups import HOUR
from app.services.models.begin_training import TrainingJobs
from app.storage.versions import VersionStore

CONSIDER_SECONDS = 30.0
MAX_PROJECTS = 10_000


class Retraining:
    def __init__(
        self,
        versions: VersionStore,
        settings: Settings,
        training_jobs: TrainingJobs,
        clock: Clock,
    ) -> None:
        self._versions, self._settings, self._training_jobs, self._clock = versions, settings, training_jobs, clock
        self._lock = Lock()
        self._considered: TTLCache[str, bool] = TTLCache(MAX_PROJECTS, CONSIDER_SECONDS, clock.monotonic)

    def consider(self, project: str, total: Counts) -> Job | None:
        """Begins a training if the counters say that one is due; returns its job.

        If several instances find it due, one of them begins it. If no worker is available, the failure is logged.
        """
        settings = self._settings
        if settings.retrain_events is None and settings.retrain_hours is None:
            return None
        with self._lock:
            if project in self._considered:
                return None
            self._considered[project] = True
        newest = next(iter(self._versions.list_page(project, None, 1).records), None)
        since = newest.created_at.timestamp() if newest else 0.0
        new_events = outcomes.arrived_since(total, since)
        enough = settings.retrain_events is not None and new_events >= settings.retrain_events
        age = self._clock.now().timestamp() - since
        late = settings.retrain_hours is not None and age >= settings.retrain_hours * HOUR
        if new_events <= 0 or not (enough or late):
            return None
        try:
            self._versions.claim(project, newest.version if newest else None)
            return self._training_jobs.begin(project, quickly=True, can_wait=True)
        except Conflict:  # another instance was faster
            return None
        except WorkerUnavailable as error:
            telemetry.log_failure(telemetry.current(), error)
            return None
