"""`python -m app.entry.jobs.task PROJECT JOB`: a job in a container, which has no limit of time and more memory."""

import os
import sys

from app import telemetry
from app.config import Settings
from app.domain.jobs import Job
from app.entry import oidc_client
from app.entry.jobs import worker
from app.errors import WorkerUnavailable
from app.telemetry import RequestLog
from app.wiring import wire


class _Nobody:
    """Begins no other jobs."""

    def launch(self, project: str, job: Job) -> None:
        raise WorkerUnavailable(f"A container does one job, not {job.job_id} of {project} as well.")


def main(project: str, job_id: str) -> None:
    telemetry.configure()
    wired = wire(Settings.from_environment(os.environ), _Nobody(), oidc_client.fetch)
    work = RequestLog.handed_over(os.environ, project, "job")
    with telemetry.doing(work), telemetry.told_job(work):
        worker.work(wired.services, project, job_id)
    wired.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
