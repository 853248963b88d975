"""The launcher of processes that start no workers: the command line and container tasks."""

from app.domain.jobs import Job
from app.errors import WorkerUnavailable


class NoLauncher:
    def launch(self, project: str, job: Job) -> None:
        """Refuses every job."""
        raise WorkerUnavailable(f"This process starts no workers, so job {job.job_id} of {project} was not started.")
