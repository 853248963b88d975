"""`serendip jobs`: look at jobs, and do one here."""

import os
import signal
from typing import Annotated

import orjson
import typer
from rich.table import Column, Table

from app import telemetry
from app.domain.paging import every
from app.entry.cli.terminal import console, services
from app.entry.jobs import worker
from app.telemetry import RequestLog

LISTED = 100

jobs = typer.Typer(help="Imports, exports, erasures and trainings that were asked for.", no_args_is_help=True)


@jobs.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the project's jobs, newest first."""
    with services() as wired:
        project = wired.services.settings.project
        found = list(every(lambda start: wired.services.jobs.list_page(project, start, LISTED)))
    rows = [
        {
            "job_id": one.job_id,
            "kind": one.kind,
            "state": one.state,
            "progress": one.progress,
            "counts": dict(one.counts),
            "detail": one.detail,
        }
        for one in found
    ]
    if as_json:
        console.print_json(orjson.dumps(rows).decode())
        return
    table = Table(Column("Job", no_wrap=True), "Kind", "State", "Done", "Counts", "")
    for one in found:
        counts = ", ".join(f"{number:,} {name}" for name, number in one.counts.items())
        table.add_row(one.job_id, one.kind, one.state, f"{one.progress:.0%}", counts, one.detail or "")
    console.print(table if found else "There are none.")


@jobs.command("work")
def work(job_id: str) -> None:
    """Do a job in this process, however long it takes; one that was killed goes on where it was."""
    for stopping in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stopping, signal.SIG_DFL)  # to be killed does no harm
    with services() as wired:
        project = wired.services.settings.project
        done = RequestLog.handed_over(os.environ, project, "job")
        with telemetry.doing(done), telemetry.told_job(done):
            job = worker.work(wired.services, project, job_id)
    console.print(f"{job_id}: {job.state}." if job else f"{job_id} has ended, or another worker holds it.")
