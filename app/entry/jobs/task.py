"""Runs one job in a container, which has no time limit and more memory: `python -m app.entry.jobs.task PROJECT JOB`."""

import os
import sys

from app import telemetry
from app.config import Settings
from app.entry import oidc_client
from app.entry.jobs import worker
from app.entry.launcher import NoLauncher
from app.telemetry import RequestLog
from app.wiring import wire


def main(project: str, job_id: str) -> None:
    telemetry.configure()
    wired = wire(Settings.from_environment(os.environ), NoLauncher(), oidc_client.fetch)
    log = RequestLog.from_environment(os.environ, project, "job")
    with telemetry.logging_context(log), telemetry.log_job(log):
        worker.work(wired.services, project, job_id)
    wired.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
