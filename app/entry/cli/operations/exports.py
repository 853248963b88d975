"""`serendip export`: write all records of a kind to a file."""

from pathlib import Path
from typing import Annotated

import typer

from app.entry.cli.mistakes import writable_file
from app.entry.cli.terminal import connect_project, console

KINDS = ("events", "items", "users")


def export(
    kind: Annotated[str, typer.Argument(help="events, items or users.")],
    path: Annotated[Path, typer.Argument(help="The JSON Lines file to write; `serendip import` reads it back.")],
) -> None:
    """Write all events, items or users to a file."""
    from app.entry.jobs import exports

    if kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is not one of {', '.join(KINDS)}.")
    writable_file(path)
    with connect_project() as (services, project):
        count = exports.run(services, project, kind, path)
    console.print(f"{path}: {count:,} {kind}")
