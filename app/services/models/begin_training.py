"""Start the training of a new model version as a job."""

from app.domain.jobs import Job, TrainingRequest
from app.errors import WorkerUnavailable
from app.services.jobs import Jobs
from app.services.models.train import Train


class TrainingJobs:
    def __init__(self, train: Train, jobs: Jobs) -> None:
        self._train, self._jobs = train, jobs

    def begin(self, project: str, *, force: bool = False, quickly: bool = False, can_wait: bool = False) -> Job:
        """Queues a new version and creates the job that trains it.

        Args:
            project: the project.
            force: activate the version even if it is clearly worse than the active one.
            quickly: reuse parameters that were chosen within a week.
            can_wait: begin once there is room for another training.

        Raises:
            WorkerUnavailable: no worker can run the job. The version is discarded.
        """
        version = self._train.queue(project, quickly=quickly).version
        try:
            return self._jobs.create(project, TrainingRequest(version, force=force), can_wait=can_wait)
        except WorkerUnavailable:
            self._train.discard(project, version)
            raise
