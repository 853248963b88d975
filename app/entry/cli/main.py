"""The command line: `serendip --help`."""

import signal
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from pydantic import ValidationError
from rich.table import Table

from app import telemetry
from app.config import PREFIX
from app.domain.recommendations import RecommendationQuery
from app.entry.cli import access, backup, cost, doctor, jobs, load, models, stream
from app.entry.cli.terminal import CURRENT, console, database_folder, problems, progress_bar, services
from app.entry.errors import SetupError
from app.entry.jobs import exports, file_formats
from app.entry.jobs.file_rows import FileError
from app.entry.local import dynamodb, environment
from app.errors import NotTrainable, SerendipError

cli = typer.Typer(help="Recommendations as a serverless API.", no_args_is_help=True, pretty_exceptions_enable=False)
cli.add_typer(models.models, name="models")
cli.add_typer(access.projects, name="projects")
cli.add_typer(access.keys, name="keys")
cli.add_typer(jobs.jobs, name="jobs")
cli.add_typer(stream.stream, name="stream")
cli.command("backup")(backup.backup)
cli.command("restore")(backup.restore)
cli.command("cost")(cost.cost)
cli.command("doctor")(doctor.doctor)
cli.command("migrate")(doctor.migrate)

FORMATS = ("table", "markdown", "json")
DataFolder = Annotated[Path | None, typer.Option("--data", help="Your own events: a file or a folder of files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command line; every expected error is one line that says what to do."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cli(standalone_mode=False)
    except (SerendipError, FileError, SetupError) as error:
        problems.print(f"[red]Error:[/] {error}", highlight=False)
        raise SystemExit(1) from error
    except ValidationError as error:
        bad = "; ".join(f"{PREFIX}{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
        problems.print(f"[red]Error:[/] {bad}", highlight=False)
        raise SystemExit(1) from error
    except typer.Abort as error:
        raise SystemExit(130) from error
    except KeyboardInterrupt as error:
        raise SystemExit(130) from error
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # click's own usage errors
            error.show()
            raise SystemExit(error.exit_code) from error
        raise


@cli.command()
def serve(
    port: Annotated[int, typer.Option(help="Where to listen, on 127.0.0.1.")] = 8000,
    data: DataFolder = None,
) -> None:
    """Serve the API on this machine, over a local database with a sample shop or your own data."""
    from app.entry.local import server  # noqa: PLC0415 - only this command serves

    dynamodb.check_free(port)
    base = f"http://127.0.0.1:{port}"
    console.print(f"API         {base}/v1\nSwagger UI  {base}/docs\nReDoc       {base}/redoc", highlight=False)
    console.print(f"Sockets     ws://127.0.0.1:{port}/v1/socket", highlight=False)
    console.print(f"API key     {environment.HOME / environment.KEY} (send it as X-API-Key)\n", highlight=False)
    folder = database_folder(data)
    with environment.connected(environment.HOME, folder) as (wired, provider):
        (environment.HOME / CURRENT).write_text(str(folder))
        environment.keep_key(environment.HOME, wired.services)
        if data is None:
            load.load_sample(wired)
        else:
            load.load_files(wired, data, None, {})
        if wired.services.traffic.active(wired.services.settings.project) is None:
            try:
                load.train_now(wired, force=False)
            except NotTrainable as error:
                console.print(f"No model yet: {error}")
        telemetry.configure()
        ready = partial(console.print, f"Ready: {base}/docs (stop with Ctrl-C)", highlight=False)
        server.serve(wired, provider, port, ready)


@cli.command()
def openapi(
    function: Annotated[
        str | None,
        typer.Option(metavar="ARN", help="Of a function: the document becomes one that API Gateway imports."),
    ] = None,
    *,
    rest: Annotated[bool, typer.Option("--rest", help="It is a REST API that imports it, not an HTTP API.")] = False,
) -> None:
    """Print the OpenAPI document."""
    from app.entry.cli import gateway_document  # noqa: PLC0415 - only this command needs the application

    document = gateway_document.plain()
    if function is not None:
        try:
            document = gateway_document.importable(document, function, rest=rest)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())  # noqa: T201 - to be piped


@cli.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="CSV, JSON Lines, Parquet, MovieLens files, or a folder of them.")],
    kind: Annotated[
        str | None, typer.Option(help="events, items or users; guessed from the columns if left out.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option("--map", help="Our column=yours, for example --map item_id=sku.")
    ] = None,
) -> None:
    """Load events, items and users. Running it twice changes nothing; bad rows go to FILE.rejects.jsonl."""
    if kind is not None and kind not in file_formats.KINDS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(file_formats.KINDS)}")
    mapping = {}
    for pair in column or []:
        ours, separator, theirs = pair.partition("=")
        if not separator or not ours or not theirs:
            raise typer.BadParameter(f"{pair!r} is not of the form our_column=your_column")
        mapping[ours] = theirs
    with services() as wired:
        load.load_files(wired, path, kind, mapping)


@cli.command()
def train(
    force: Annotated[bool, typer.Option("--force", help="Activate the version even if it is clearly worse.")] = False,
    spark: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="Learn on Spark from exported events: Parquet, JSON Lines, DynamoDB's export."
        ),
    ] = None,
    master: Annotated[
        str | None, typer.Option(help="Spark's master, `local[*]` for this machine; left out, spark-submit's.")
    ] = None,
) -> None:
    """Learn a new model version from all events and activate it."""
    with services() as wired:
        if spark is None:
            load.train_now(wired, force=force)
            return
        try:
            from app.entry.offline import spark_training  # noqa: PLC0415 - an extra of its own
        except ImportError as error:
            raise SetupError("Spark is not installed. Run `make .venv/spark`, or install the extra `spark`.") from error
        with spark_training.session(master) as session:
            engine = spark_training.engine(session, spark, wired.services.settings)
            load.train_now(wired, force=force, engine=engine)


@cli.command()
def evaluate(
    train_file: Annotated[Path, typer.Argument(metavar="TRAIN", help="A file with user_id, item_id[, ...].")],
    test: Annotated[Path | None, typer.Option(help="What is right; a part of TRAIN is held out if left out.")] = None,
    holdout: Annotated[
        str, typer.Option(help="random, time or last: also how the trainer cuts its own part.")
    ] = "random",
    k: Annotated[int, typer.Option(min=1, max=1_000)] = 20,
    configuration: Annotated[
        list[str] | None,
        typer.Option(
            "--config",
            help="Compare these: `chosen` (the trainer's choice), `dense`, `local`, and, after commas, "
            "neighbors=, ridge=, user_exponent=, item_exponent=, half_life_days= (or none).",
        ),
    ] = None,
    output: Annotated[str, typer.Option("--format", help="table, markdown or json.")] = "table",
    as_json: AsJson = False,
) -> None:
    """Judge the recommender on files, without a database; configurations beside each other, and popularity."""
    from app.entry.offline import evaluation, evaluation_table  # noqa: PLC0415 - loads numpy

    if holdout not in evaluation.HOLDOUTS:
        raise typer.BadParameter(f"{holdout!r} is none of {', '.join(evaluation.HOLDOUTS)}")
    if output not in FORMATS:
        raise typer.BadParameter(f"{output!r} is none of {', '.join(FORMATS)}")
    try:
        configurations = [evaluation.Configuration.parsed(text) for text in configuration or [evaluation.CHOSEN]]
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
        )
    if as_json or output == "json":
        console.print_json(orjson.dumps(report).decode())
        return
    if output == "markdown":
        typer.echo(evaluation_table.markdown(report))
        return
    heading, body = evaluation_table.rows(report)
    table = Table(*heading, title=f"{train_file.name}: {evaluation_table.summary(report)}")
    for line in body:
        table.add_row(*line)
    console.print(table)
    for one in report["comparison"][:-1]:
        console.print(f"{one['name']}: {one['parameters']}")
    console.print(f"{report['seconds']} s, peak memory {report['peak_memory_mb']} MB")


@cli.command()
def recommend(user_id: str, limit: Annotated[int, typer.Option(min=1, max=100)] = 10, as_json: AsJson = False) -> None:
    """What a user should see next, and why."""
    with services() as wired:
        answer = wired.services.recommend.for_user(
            wired.services.settings.project, user_id, RecommendationQuery(limit=limit)
        )
    rows: list[dict[str, Any]] = [
        {
            "item_id": one.item_id,
            "title": one.item.title if one.item else None,
            "score": one.score,
            "source": one.source,
            "reasons": [{"item": reason.title or reason.item_id, "share": reason.share} for reason in one.reasons],
        }
        for one in answer.recommendations
    ]
    if as_json:
        console.print_json(orjson.dumps(rows).decode())
        return
    table = Table(
        "Item",
        "Title",
        "Score",
        "From",
        "Because of",
        title=f"For {user_id}, {answer.active.version if answer.active else 'no model'}",
    )
    for row in rows:
        because = ", ".join(f"{reason['item']} {reason['share']:.0%}" for reason in row["reasons"])
        table.add_row(row["item_id"], row["title"] or "", f"{row['score']:.4f}", row["source"], because)
    console.print(table)


@cli.command()
def export(
    kind: Annotated[str, typer.Argument(help="events, items or users.")],
    path: Annotated[Path, typer.Argument(help="A JSON Lines file to write; `import` reads it back.")],
) -> None:
    """Write all records of a kind to a file."""
    if kind not in file_formats.KINDS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(file_formats.KINDS)}")
    with services() as wired:
        count = exports.run(wired.services, wired.services.settings.project, kind, path)
    console.print(f"{path}: {count:,} {kind}")


if __name__ == "__main__":
    main()
