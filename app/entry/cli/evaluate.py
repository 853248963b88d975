"""`serendip evaluate`: measure the recommender on files, without a database."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from app.entry.cli.mistakes import readable_path
from app.entry.cli.terminal import (
    AsJson,
    DateFormat,
    Decimal,
    Encoding,
    Mapped,
    TimeUnit,
    console,
    print_json,
    problems,
    progress_bar,
)

FORMATS = ("table", "markdown", "json")


def evaluate(
    train_file: Annotated[Path, typer.Argument(metavar="TRAIN", help="A file with user_id, item_id[, ...].")],
    test: Annotated[Path | None, typer.Option(help="Test file. Default: hold out part of TRAIN.")] = None,
    holdout: Annotated[
        str | None,
        typer.Option(
            help="How to hold out events: next, time (replayed), last or random. The trainer validates the same way. "
            "Default: next, each user's newest moment; random if the events have no times."
        ),
    ] = None,
    k: Annotated[int, typer.Option(min=1, max=1_000, help="Length of the lists.")] = 20,
    configuration: Annotated[
        list[str] | None,
        typer.Option(
            "--config",
            help="Configuration to compare; may be repeated. `chosen` (the trainer's choice), `dense` or `local`, "
            "then comma-separated changes: neighbors=50, order_share=0, half_life_days=none and so on.",
        ),
    ] = None,
    peers: Annotated[
        str,
        typer.Option(
            "--against",
            help="Peers to compare with, with commas between them: implicit (als, bpr, item-knn), rectools (ease), "
            "sasrec, popular-7-days, co-occurrence, rp3beta. Most need `make peers`.",
        ),
    ] = "",
    peer_seconds: Annotated[
        float, typer.Option(min=0.0, help="CPU seconds for each peer to choose its parameters.")
    ] = 300.0,
    pairs: Mapped = None,
    encoding: Encoding = None,
    time_unit: TimeUnit = None,
    date_format: DateFormat = None,
    decimal: Decimal = ".",
    output: Annotated[str, typer.Option("--format", help="table, markdown or json.")] = "table",
    as_json: AsJson = False,
) -> None:
    """Compare configurations of the recommender, and popularity, on files; needs no database."""
    from app.entry.cli.loading import options_of
    from app.entry.offline import evaluation, evaluation_table
    from app.entry.offline.peers import catalog
    from app.recommender.fit.evaluation import holdouts

    if holdout not in {None, *holdouts.KINDS}:
        raise typer.BadParameter(f"{holdout!r} is not one of {', '.join(holdouts.KINDS)}.")
    if output not in FORMATS:
        raise typer.BadParameter(f"{output!r} is not one of {', '.join(FORMATS)}.")
    for file in filter(None, (train_file, test)):
        readable_path(file)
    try:
        configurations = [evaluation.Configuration.parsed(text) for text in configuration or [evaluation.CHOSEN]]
        compared = catalog.named(peers) if peers else []
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with progress_bar() as bar:
        task = bar.add_task("Reading", total=1.0, note="")
        report = evaluation.run(
            train_file,
            test,
            holdout,
            k,
            configurations,
            lambda phase, done: bar.update(task, completed=done, description=phase),
            lambda line: problems.print(line, markup=False, highlight=False, soft_wrap=True),
            options_of(None, pairs, encoding, time_unit, None, date_format, decimal),
            compared,
            peer_seconds,
        )
    if as_json or output == "json":
        print_json(report)
    elif output == "markdown":
        typer.echo(evaluation_table.markdown(report, with_peers=bool(compared)))
    else:
        _print_table(
            report, train_file.name, *(evaluation_table.peer_rows if compared else evaluation_table.rows)(report)
        )
    for name, reason in report["failures"].items():
        problems.print(f"{name}: {reason}", markup=False, highlight=False, soft_wrap=True)


def _print_table(report: dict[str, Any], name: str, heading: list[str], rows: list[list[str]]) -> None:
    from app.entry.offline import evaluation_table

    table = Table(Column(heading[0], no_wrap=True), *heading[1:], title=f"{name}: {evaluation_table.summary(report)}")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    for result in report["comparison"][:-1]:
        console.print(f"{result['name']}: {result['parameters']}")
    console.print(f"{report['seconds']} s, peak memory {report['peak_memory_mb']} MB")
