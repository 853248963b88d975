"""Loads files for `serendip import` and `serendip serve`, with progress on the terminal."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import stamina
import typer
from rich.markup import escape
from stamina.instrumentation import RetryDetails

from app import clock
from app.api.schemas.fields import valid_date_format
from app.entry.cli.mistakes import valid_id
from app.entry.cli.terminal import console, progress_bar
from app.entry.errors import SetupError
from app.entry.files.cells.column_types import ColumnTypes
from app.entry.files.cells.formats import NOTATIONS
from app.entry.files.cells.times import UNITS
from app.entry.files.kinds import KINDS
from app.entry.files.notes import SKIPPED
from app.entry.files.reader import Options, Reader
from app.entry.files.rows import FileError, Place
from app.entry.jobs import imports, sources, summary
from app.entry.jobs.rejects import ENDING
from app.entry.jobs.summary import NO_ROWS, Summary
from app.errors import Unavailable
from app.services.bundle import Services

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PREVIEWED = 10


def options_of(
    kind: str | None = None,
    pairs: list[str] | None = None,
    encoding: str | None = None,
    time_unit: str | None = None,
    event_type: str | None = None,
    date_format: str | None = None,
    decimal: str = ".",
) -> Options:
    """Raises BadParameter if an option is not valid."""
    if kind is not None and kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is not one of {'; '.join(KINDS)}.")
    if time_unit is not None and time_unit not in UNITS:
        raise typer.BadParameter(f"{time_unit!r} is not one of {', '.join(UNITS)}.")
    if decimal not in NOTATIONS:
        raise typer.BadParameter(f"{decimal!r} is not one of {' '.join(NOTATIONS)}")
    if date_format is not None:
        try:
            valid_date_format(date_format)
        except ValueError as error:
            raise typer.BadParameter(f"{error}.") from error
    mapping = dict[str, str]()
    for pair in pairs or []:
        ours, separator, theirs = (part.strip() for part in pair.partition("="))
        if not separator or not ours or not theirs:
            raise typer.BadParameter(f"{pair!r} does not have the form our_field=your_column.")
        if ours in mapping:
            raise typer.BadParameter(f"{ours} is mapped twice.")
        mapping[ours] = theirs
    if event_type is not None:
        event_type = valid_id("_".join(event_type.split()))
    return Options(kind, mapping, encoding, time_unit, event_type, date_format, decimal)


def read_files(path: Path, options: Options) -> list[tuple[Path, Reader]]:
    """Opens the files of a path, and says which files and folders in a folder are not used."""
    readers, unused = sources.of(path, options)
    for line in unused:
        console.print(line, markup=False, highlight=False)
    return readers


@dataclass
class LoadResult:
    loaded: int = 0
    """Rows that are now in the database."""
    succeeded: bool = True
    """Whether no file failed."""


def load_files(services: Services | None, project: str, files: Sequence[tuple[Path, Reader]]) -> LoadResult:
    """Loads files, and prints a summary of each; None for services checks them only.

    Raises:
        FileError: a file cannot be read for the types of its columns; then nothing is loaded.
        Unavailable: the database was lost for minutes.
        SetupError: the database cannot be written, for example because the disk is full.
    """
    result = LoadResult()
    for (file, reader), types in zip(files, _types_of(files), strict=True):
        try:
            outcome = _load_file(services, project, file, reader, types)
        except FileError as error:
            console.print(f"[red]Failed:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
            result.succeeded = False
            continue
        for line in summary.lines(file.name, reader.plan.kind, outcome.summary, reader.plan.ignored, outcome.notes):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if outcome.import_id is not None and outcome.summary.loaded + outcome.summary.unchanged:
            console.print(f"  To take it back: serendip import --undo {outcome.import_id}", highlight=False)
        if outcome.rejects:
            line = f"  Rejected rows, with reasons: {outcome.rejects}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if outcome.summary.failure:
            line = escape(f"{file.name}: {outcome.summary.failure}")
            console.print(f"[red]Failed:[/] {line}", highlight=False, soft_wrap=True)
            result.succeeded = False
        result.loaded += outcome.summary.loaded + outcome.summary.unchanged
    if services is None:
        console.print("Nothing was stored, because this was a dry run.")
    return result


def load_once(services: Services, project: str, path: Path, options: Options, state_file: Path) -> bool:
    """Loads the files of a path unless they are as they were when they were last loaded.

    Returns whether any of their rows are in the database. `state_file` remembers how they were.
    """
    files = [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
    files = [file for file in files if not file.name.endswith(ENDING)]
    states = {str(file.resolve()): [file.stat().st_size, file.stat().st_mtime_ns] for file in files}
    state = orjson.dumps({"files": states, "options": asdict(options)}, option=orjson.OPT_SORT_KEYS)
    if state_file.exists() and state_file.read_bytes() == state:
        console.print(f"{path.name} has not changed since it was loaded.", markup=False, highlight=False)
        return True
    result = load_files(services, project, read_files(path, options))
    if result.succeeded:
        state_file.write_bytes(state)
    return result.loaded > 0


def _types_of(files: Sequence[tuple[Path, Reader]]) -> list[ColumnTypes]:
    """Reads the types of all columns, so that no file is loaded if another one is broken."""
    with progress_bar() as bar:
        tasks = {
            file: bar.add_task(file.name, total=1.0, note="reading the columns", visible=False) for file, _ in files
        }
        return sources.types_of(files, lambda file, share: bar.update(tasks[file], completed=share, visible=share < 1))


def _load_file(
    services: Services | None, project: str, file: Path, reader: Reader, types: ColumnTypes
) -> imports.ImportOutcome:
    counts = Summary()
    with progress_bar() as bar:
        task = bar.add_task(f"{file.name} ({reader.plan.kind})", total=1.0, note="")
        started = clock.now()

        def show(progress: float, so_far: Summary) -> None:
            nonlocal counts
            counts = so_far
            rate = so_far.read / max((clock.now() - started).total_seconds(), 1e-3)
            note = f"{so_far.read:,} rows, {rate:,.0f}/s" + (f", {so_far.rejected:,} bad" if so_far.rejected else "")
            bar.update(task, completed=progress, note=note)

        with _retries_shown(bar, task):
            try:
                return imports.run(services, project, file, reader, types, show)
            except FileError as error:
                if services is None or not counts.read:
                    raise
                raise FileError(f"{error} The rows before are loaded ({counts.read:,} were read).") from error
            except (Unavailable, SetupError) as error:
                raise type(error)(
                    f"{error} {counts.read:,} rows of {file.name} are safe. Run the same command again when the "
                    "database is back: rows that are stored stay as they are, and the rest is loaded."
                ) from error


@contextmanager
def _retries_shown(bar: "Progress", task: "TaskID") -> Iterator[None]:
    """Shows retries in the progress bar instead of the log lines of libraries."""

    def show(details: RetryDetails) -> None:
        seconds = details.waited_so_far + details.wait_for
        bar.update(task, note=f"the database cannot be reached, trying again for {seconds:,.0f} s")

    silent = logging.NullHandler()
    logging.getLogger().addHandler(silent)
    stamina.instrumentation.set_on_retry_hooks([show])
    try:
        yield
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
        logging.getLogger().removeHandler(silent)


def show_first_rows(path: Path, options: Options) -> bool:
    """Prints the first records of each file as they would be stored, and what is ignored.

    Returns whether all files have rows.
    """
    have_rows = True
    files = read_files(path, options)
    for (file, reader), types in zip(files, _types_of(files), strict=True):
        console.print(f"[bold]{escape(file.name)}[/] ({reader.plan.kind}): the first rows as they would be stored")
        plan, counts = reader.plan, Summary()
        for row, records, reason, skipped in islice(reader.checked(reader.rows(Place()), types), PREVIEWED):
            counts.read += 1
            if reason is not None:
                typer.echo(f"  line {row.number} is rejected: {reason.text}")
            if skipped is not None:
                typer.echo(f"  line {row.number} {SKIPPED[skipped][0]} and is skipped")
            for record in records:
                body = record.body.model_dump(mode="json", exclude_unset=True)
                typer.echo(f"  {record.kind.removesuffix('s')} {orjson.dumps(body).decode()}")
        if not counts.read:
            console.print(f"[red]Failed:[/] {escape(file.name)}: {NO_ROWS}", highlight=False, soft_wrap=True)
            have_rows = False
            continue
        notes = reader.notes(types, counts.marks, counts.read)
        for line in summary.lines(file.name, plan.kind, counts, plan.ignored, notes)[1:]:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print("Nothing was stored, because this was a preview.")
    return have_rows
