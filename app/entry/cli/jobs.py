"""`serendip jobs`: list jobs, and work on one in this process."""

import os
import signal
from typing import Annotated

import orjson
import typer
from rich.table import Column, Table

from app import telemetry
from app.domain.paging import every
from app.entry.cli.terminal import connect, console
from app.entry.jobs import worker
from app.telemetry import RequestLog

PAGE = 100

jobs = typer.Typer(help="Imports, exports, erasures and trainings started through the API.", no_args_is_help=True)


@jobs.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the project's jobs, newest first."""
    with connect() as (services, project):
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
        console.print_json(orjson.dumps(rows).decode())
        return
    table = Table(Column("Job", no_wrap=True), "Kind", "State", "Progress", "Counts", "Detail")
    for job in listed:
        counts = ", ".join(f"{number:,} {name}" for name, number in job.counts.items())
        table.add_row(job.job_id, job.kind, job.state, f"{job.progress:.0%}", counts, job.detail or "")
    console.print(table if listed else "There are no jobs.")


@jobs.command("work")
def work(job_id: str) -> None:
    """Work on a job in this process until it has ended. A job that was killed resumes at its last checkpoint."""
    for stopping in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stopping, signal.SIG_DFL)  # killing a worker does no harm
    with connect() as (services, project):
        log = RequestLog.from_environment(os.environ, project, "job")
        with telemetry.logging_context(log), telemetry.log_job(log):
            job = worker.work(services, project, job_id)
    console.print(f"{job_id}: {job.state}." if job else f"{job_id} has ended, or another worker has acquired it.")
