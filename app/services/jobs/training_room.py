"""Room for trainings: one that can wait begins only while few enough run, so that they leave instances to requests."""

from collections.abc import Callable, Iterable
from threading import Lock

from cachetools import TTLCache

from app.clock import Clock
from app.domain.jobs import Job, TrainingCheckpoint, TrainingRequest
from app.storage.jobs import JobStore

SHOWN_SECONDS = 10.0
"""By then, the index of running jobs shows what a process has launched."""


class TrainingRoom:
    def __init__(self, store: JobStore, most: int, clock: Clock, is_in_progress: Callable[[Job], bool]) -> None:
        """`most` trainings may run; `is_in_progress` says whether a worker runs a running job or is about to."""
        self._store, self._most, self._is_in_progress = store, most, is_in_progress
        self._lock = Lock()
        self._launched: TTLCache[str, str] = TTLCache(1_000, SHOWN_SECONDS, clock.monotonic)
        """The projects of trainings by job."""

    def note(self, project: str, job: Job) -> None:
        """Remembers a launched training, which the index may not show at once. Other jobs take no room."""
        if isinstance(job.request, TrainingRequest):
            with self._lock:
                self._launched[job.job_id] = project

    def left(self, running: Iterable[tuple[str, Job]]) -> int:
        """Returns how many more trainings may begin beside these running jobs. Container tasks take no room."""
        jobs = {job.job_id: job for _, job in running}
        with self._lock:
            launched = [*self._launched.items()]
        for job_id, project in launched:
            if job_id not in jobs and (job := self._store.get(project, job_id)) is not None:
                jobs[job_id] = job
        taken = [job for job in jobs.values() if self._is_in_progress(job)]
        return self._most - sum(
            isinstance(job.checkpoint, TrainingCheckpoint) and not job.checkpoint.moves for job in taken
        )
