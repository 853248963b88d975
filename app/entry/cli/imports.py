"""`serendip import`: load files into the database, with progress on the terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.entry.cli.mistakes import readable_path
from app.entry.cli.terminal import connect, console, progress_bar

if TYPE_CHECKING:
    from app.entry.jobs.file_formats import Source
    from app.services.bundle import Services


def import_(
    path: Annotated[Path, typer.Argument(help="A CSV, JSON Lines, Parquet or MovieLens file, or a folder of them.")],
    kind: Annotated[str | None, typer.Option(help="events, items or users. Default: guessed from the columns.")] = None,
    column: Annotated[
        list[str] | None, typer.Option("--map", help="our_field=your_column, for example --map item_id=sku.")
    ] = None,
) -> None:
    """Load events, items and users. Importing a file twice changes nothing; bad rows go to FILE.rejects.jsonl."""
    if kind is not None:
        check_kind(kind)
    mapping = {}
    for pair in column or []:
        ours, separator, theirs = pair.partition("=")
        if not separator or not ours or not theirs:
            raise typer.BadParameter(f"{pair!r} does not have the form our_field=your_column.")
        mapping[ours] = theirs
    readable_path(path)
    with connect() as (services, project):
        load_files(services, project, path, kind, mapping)


def check_kind(kind: str) -> None:
    """Raises BadParameter unless this is a kind of record."""
    from app.entry.jobs import file_formats

    if kind not in file_formats.KINDS:
        raise typer.BadParameter(f"{kind!r} is not one of {', '.join(file_formats.KINDS)}.")


def load_files(services: "Services", project: str, path: Path, kind: str | None, mapping: dict[str, str]) -> None:
    from app import clock
    from app.entry.jobs import file_formats, imports

    for source in file_formats.sources(path, kind, mapping):
        rejects = Path(f"{source.path.name}.rejects.jsonl")
        with progress_bar() as bar:
            task = bar.add_task(f"{source.path.name} ({source.kind})", total=source.size, note="")
            started = clock.now()

            def show(_: "Source", position: int, loaded: int, rejected: int) -> None:
                rate = loaded / max((clock.now() - started).total_seconds(), 1e-3)  # noqa: B023 - called within the loop
                note = f"{loaded:,} rows, {rate:,.0f}/s" + (f", {rejected:,} bad" if rejected else "")
                bar.update(task, completed=position, note=note)  # noqa: B023 - called within the loop

            outcome = imports.run(services, project, source, rejects, show)
        console.print(f"{source.path.name}: {outcome.loaded:,} {source.kind} loaded, {outcome.rejected:,} rejected.")
        if outcome.rejects:
            console.print(f"  Rejected rows, with reasons: {outcome.rejects}")
