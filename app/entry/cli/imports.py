"""`serendip import` and `serendip imports`: load files, list imports, and take them back."""

from pathlib import Path
from typing import Annotated, Any

import typer

from app.domain.jobs import ImportRequest, JobState, UndoRequest
from app.domain.paging import every
from app.entry.cli.jobs import PAGE, counts_text, work_on
from app.entry.cli.mistakes import readable_path, valid_id
from app.entry.cli.terminal import (
    AsJson,
    DateFormat,
    Decimal,
    Encoding,
    EventType,
    Mapped,
    RecordKind,
    TimeUnit,
    connect_project,
    print_json,
    print_rows,
)


def import_(
    path: Annotated[
        Path | None,
        typer.Argument(help="A file (CSV, TSV, JSON, Parquet; packed or not), or a folder of them."),
    ] = None,
    kind: RecordKind = None,
    pairs: Mapped = None,
    encoding: Encoding = None,
    time_unit: TimeUnit = None,
    date_format: DateFormat = None,
    decimal: Decimal = ".",
    event_type: EventType = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show the first rows as they would be stored; store nothing.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all rows; store nothing.")] = False,
    undo: Annotated[
        str | None,
        typer.Option(
            metavar="IMPORT_ID",
            help="Take back what an import added, instead of importing. `serendip imports` lists the ids.",
        ),
    ] = None,
) -> None:
    """Load events, items and users. Importing a file twice changes nothing; bad rows go to FILE.rejects.jsonl."""
    from app.entry.cli import loading

    if (path is None) is (undo is None):
        raise typer.BadParameter("Name either a file or folder to import, or an import to take back with --undo.")
    if path is None:
        take_back(str(undo))
        return
    readable_path(path)
    options = loading.options_of(kind, pairs, encoding, time_unit, event_type, date_format, decimal)
    if preview:
        if not loading.show_first_rows(path, options):
            raise typer.Exit(1)
        return
    files = loading.read_files(path, options)  # wrong files are reported before the database starts
    if dry_run:
        result = loading.load_files(None, "", files)
    else:
        with connect_project() as (services, project):
            result = loading.load_files(services, project, files)
    if not result.succeeded:
        raise typer.Exit(1)


def take_back(import_id: str) -> None:
    """Works on the job in this process. Exits with 1 if nothing was added by this import."""
    from app.services.jobs import check_undo

    valid_id(import_id)
    with connect_project() as (services, project):
        check_undo(services.jobs, project, import_id)
        work_on(services, project, UndoRequest(import_id))


def imports(as_json: AsJson = False) -> None:
    """List the project's imports of the last 30 days, newest first, with their ids for `serendip import --undo`."""
    with connect_project() as (services, project):
        listed = list(every(lambda start: services.jobs.list_page(project, start, PAGE)))
    rows = list[dict[str, Any]]()
    taken_back = set[str]()
    for job in listed:
        if isinstance(job.request, UndoRequest) and job.state is JobState.SUCCEEDED:
            taken_back.add(job.request.import_id)
        if isinstance(job.request, ImportRequest):
            rows.append(
                {
                    "import_id": job.import_id,
                    "file_name": job.request.file_name,
                    "state": "taken back" if job.import_id in taken_back else job.state,
                    "created_at": job.created_at,
                    "counts": dict(job.counts),
                    "detail": job.detail,
                }
            )
    if as_json:
        print_json(rows)
        return
    table = [
        (
            row["import_id"],
            row["file_name"] or "",
            row["state"],
            f"{row['created_at']:%Y-%m-%d %H:%M}",
            counts_text(row["counts"]),
            row["detail"] or "",
        )
        for row in rows
    ]
    print_rows(("Import", "File", "State", "Created (UTC)", "Counts", "Detail"), table, "There are no imports.")
