"""What all commands share: the terminal and the services over the configured database."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table

if TYPE_CHECKING:
    from app.services.bundle import Services
    from app.wiring import Wired

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Mapped = Annotated[
    list[str] | None,
    typer.Option("--map", help="our_field=your_column, for example --map item_id=sku; may be repeated."),
]
Encoding = Annotated[str | None, typer.Option(help="Encoding of the text, such as cp1252. Default: UTF-8.")]
TimeUnit = Annotated[str | None, typer.Option(help="Unit of numeric times: s, ms, us or ns. Default: from their size.")]
DateFormat = Annotated[
    str | None,
    typer.Option(help="How times are written, in codes of strptime: %m/%d/%Y %H:%M, for example. Default: from them."),
]
Decimal = Annotated[str, typer.Option(help="What stands before the fraction of a number: . or ,")]
RecordKind = Annotated[
    str | None,
    typer.Option(
        "--kind", help="events, items, users, or events,items for both in one file. Default: from the columns."
    ),
]
EventType = Annotated[str | None, typer.Option(help="Type of events without one. Default: view.")]

console = Console()
problems = Console(stderr=True)

WIDEST = 10_000


@contextmanager
def connect() -> Iterator[tuple["Services", str]]:
    """The services over the configured database, and the configured project."""
    with connect_wired() as wired:
        yield wired.services, wired.services.settings.project


@contextmanager
def connect_project() -> Iterator[tuple["Services", str]]:
    """The same for commands that work on the project's data.

    Raises:
        SetupError: the project does not exist.
    """
    with connect() as (services, project):
        yield services, existing_project(services, project)


def existing_project(services: "Services", project: str) -> str:
    """Returns the project's id. Raises SetupError if it does not exist."""
    from app.entry.errors import SetupError
    from app.errors import NotFound

    try:
        return services.projects.get(project).project_id
    except NotFound:
        raise SetupError(
            f"There is no project {project!r}. Choose one of `serendip projects list` with SERENDIP_PROJECT, "
            f"or create it: serendip projects create {project}"
        ) from None


@contextmanager
def connect_wired() -> Iterator["Wired"]:
    """The configured database, or the local one of `make run`, with its services."""
    from app.config import PREFIX, Settings
    from app.entry import oidc_client
    from app.entry.launcher import NoLauncher
    from app.entry.local import environment, home
    from app.wiring import wire

    if f"{PREFIX}ENDPOINT" in os.environ or f"{PREFIX}SECRET" in os.environ:
        values = dict(os.environ)
        values.setdefault(f"{PREFIX}SECRET", home.secret(home.HOME))
        values.setdefault(f"{PREFIX}READ_TIMEOUT_SECONDS", "20")  # no client waits for a response here
        wired = wire(Settings.from_environment(values), NoLauncher(), oidc_client.fetch)
        try:
            yield wired
        finally:
            wired.close()
    else:
        with environment.connected(home.HOME, home.current_folder(home.HOME)) as wired:
            yield wired


def print_json(value: object) -> None:
    """Prints JSON; times are ISO 8601."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_iso))


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], none: str, title: str | None = None) -> None:
    """Prints a table, or the sentence `none` if it has no rows. No cell is cut off, and ids, in front, stay whole."""
    if not rows:
        console.print(none)
        return
    ids = max(len(columns[0]), *(len(row[0]) for row in rows))
    others = (Column(name, overflow="fold", min_width=len(name)) for name in columns[1:])
    table = Table(Column(columns[0], no_wrap=True, min_width=ids), *others, title=title)
    for row in rows:
        table.add_row(*map(escape, row))
    measured = console.measure(table, options=console.options.update_width(WIDEST))
    needed = measured.minimum if console.is_terminal else measured.maximum
    Console(width=max(console.width, needed)).print(table)


def progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% {task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=problems,
    )
