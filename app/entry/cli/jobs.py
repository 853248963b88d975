"""`serendip jobs`: list jobs, and work on one in this process."""

import os
import signal
import sys
from typing import TYPE_CHECKING

import typer

from app.domain.jobs import JobState
from app.domain.paging import every
from app.entry.cli.terminal import AsJson, connect_project, console, print_json, print_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domain.jobs import JobRequest
    from app.services.bundle import Services

PAGE = 100

jobs = typer.Typer(help="Imports, exports, erasures and trainings started through the API.", no_args_is_help=True)


@jobs.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the project's jobs, newest first."""
    with connect_project() as (services, project):
        listed = list(every(lambda start: services.jobs.list_page(project, start, PAGE)))
    rows = [
        {
            "job_id": job.job_id,
            "kind": job.kind,
            "state": job.state,
            "progress": job.progress,
            "counts": dict(job.counts),
            "detail": job.detail,
        }
        for job in listed
    ]
    if as_json:
        print_json(rows)
        return
    table = [
        (job.job_id, job.kind, job.state, f"{job.progress:.0%}", counts_text(job.counts), job.detail or "")
        for job in listed
    ]
    print_rows(("Job", "Kind", "State", "Progress", "Counts", "Detail"), table, "There are no jobs.")


@jobs.command("work")
def work(job_id: str) -> None:
    """Work on a job in this process until it has ended. A job that was killed resumes at its last checkpoint."""
    from app import telemetry
    from app.config import PREFIX
    from app.entry.jobs import worker
    from app.telemetry import RequestLog

    if f"{PREFIX}ENDPOINT" in os.environ:  # otherwise the local database has to be stopped as well
        for stopping in (signal.SIGTERM, signal.SIGINT):
            signal.signal(stopping, signal.SIG_DFL)  # killing a worker does no harm
    with connect_project() as (services, project):
        services.jobs.get(project, job_id)
        log = RequestLog.from_environment(os.environ, project, "job")
        with telemetry.logging_context(log), telemetry.log_job(log):
            job = worker.work(services, project, job_id)
    if job is None:
        console.print(f"{job_id} has ended, or another worker has acquired it.")
        return
    console.print(" ".join(filter(None, (f"{job_id}: {job.state}.", job.detail))), highlight=False, markup=False)
    if job.state is JobState.FAILED:
        sys.exit(1)


def work_on(services: "Services", project: str, request: "JobRequest") -> None:
    """Creates a job and works on it in this process. Exits with 1 unless it succeeds."""
    from app.entry.jobs import worker

    created = services.jobs.create(project, request, launched=False)
    console.print(f"Job {created.job_id}", highlight=False, soft_wrap=True)
    worker.work(services, project, created.job_id)
    job = services.jobs.get(project, created.job_id)
    console.print(
        f"{job.state}: {counts_text(job.counts) or 'nothing was done'}. {job.detail or ''}".rstrip(),
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if job.state is not JobState.SUCCEEDED:
        raise typer.Exit(1)


def counts_text(counts: "Mapping[str, int]") -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.items())
