"""The command line: `serendip --help`."""

import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from app.config import PREFIX, Settings
from app.domain import Event, ModelVersion
from app.entry import dynamodb_local, exporting, files, importing, local, sample
from app.entry.dynamodb_local import SetupError
from app.entry.files import FileError, Source
from app.errors import NotTrainable, SerendipError
from app.services.recommend import Wish
from app.storage import schema
from app.wiring import Wired, now, wire

cli = typer.Typer(help="Recommendations as a serverless API.", no_args_is_help=True, pretty_exceptions_enable=False)
tables = typer.Typer(help="The database's tables.", no_args_is_help=True)
models = typer.Typer(help="Model versions.", no_args_is_help=True)
cli.add_typer(tables, name="tables")
cli.add_typer(models, name="models")
console = Console()
problems = Console(stderr=True)

DATABASES = "databases"
CURRENT = "current"
"""Names the database that was served last, which the other commands work on."""
SAMPLE_STATE = "sample.json"
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


class NoLauncher:
    """The command line trains in its own process."""

    def launch(self, project: str, version: ModelVersion, *, force: bool) -> None:
        raise NotImplementedError


@contextmanager
def services() -> Iterator[Wired]:
    """The services over the configured database, or over the one that `make run` keeps."""
    if f"{PREFIX}ENDPOINT" in os.environ or f"{PREFIX}SECRET" in os.environ:
        values = dict(os.environ)
        values.setdefault(f"{PREFIX}SECRET", local.secret(local.HOME))
        values.setdefault(f"{PREFIX}READ_TIMEOUT_SECONDS", "20")  # nobody waits for an answer here
        wired = wire(Settings.from_environment(values), NoLauncher())
        try:
            yield wired
        finally:
            wired.database.close()
    else:
        current = local.HOME / CURRENT
        folder = Path(current.read_text()) if current.exists() else database_folder(None)
        with local.connected(local.HOME, folder) as (wired, _):
            yield wired


def database_folder(data: Path | None) -> Path:
    """Where the local database lies; each DATA has one of its own."""
    name = "sample" if data is None else f"{data.stem}-{sha256(str(data.resolve()).encode()).hexdigest()[:8]}"
    return local.HOME / DATABASES / name


@cli.command()
def serve(
    port: Annotated[int, typer.Option(help="Where to listen, on 127.0.0.1.")] = 8000,
    data: DataFolder = None,
) -> None:
    """Serve the API on this machine, over a local database with a sample shop or your own data."""
    import uvicorn  # noqa: PLC0415 - only this command serves

    from app.api.application import create_application  # noqa: PLC0415

    dynamodb_local.check_free(port)
    base = f"http://127.0.0.1:{port}"
    console.print(f"API         {base}/v1\nSwagger UI  {base}/docs\nReDoc       {base}/redoc\n", highlight=False)
    folder = database_folder(data)
    with local.connected(local.HOME, folder) as (wired, _):
        (local.HOME / CURRENT).write_text(str(folder))
        if data is None:
            load_sample(wired)
        else:
            load_files(wired, data, None, {})
        if wired.services.train.active(wired.services.settings.project) is None:
            try:
                train_now(wired, None, force=False)
            except NotTrainable as error:
                console.print(f"No model yet: {error}")
        console.print(f"Ready: {base}/docs (stop with Ctrl-C)", highlight=False)
        config = uvicorn.Config(
            create_application(wired.services), host="127.0.0.1", port=port, log_level="warning", lifespan="off"
        )
        uvicorn.Server(config).run()


def load_sample(wired: Wired) -> None:
    """Load the synthetic shop once; a load that was killed is finished with the same events."""
    state = database_folder(None) / SAMPLE_STATE
    project = wired.services.settings.project
    if state.exists():
        known = orjson.loads(state.read_bytes())
        if known["complete"]:
            return
        moment = datetime.fromisoformat(known["moment"])
    elif wired.services.catalog.list_items(project, None, None, 1).records:
        return
    else:
        moment = now()
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_bytes(orjson.dumps({"moment": moment.isoformat(), "complete": False}))
    console.print("The database is empty: loading a synthetic sample shop (made up, seeded).")
    generator = random.Random(sample.SEED)  # noqa: S311 - made-up data
    shop = sample.items(generator)
    people = sample.users(generator)
    happened = list(sample.events(generator, shop, people, moment))
    for start in range(0, len(shop), 100):
        wired.services.catalog.put_items(project, shop[start : start + 100])
    for start in range(0, len(people), 100):
        wired.services.catalog.put_users(project, people[start : start + 100])
    with progress_bar() as bar:
        task = bar.add_task("Events", total=len(happened), note="")
        for start in range(0, len(happened), 500):
            chunk: list[Event] = happened[start : start + 500]
            wired.services.events.accept(project, chunk)
            bar.advance(task, len(chunk))
    state.write_bytes(orjson.dumps({"moment": moment.isoformat(), "complete": True}))
    console.print(f"Loaded {len(shop)} items, {len(people)} users, {len(happened):,} events.")


def progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% {task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=problems,
    )


@tables.command("create")
def tables_create() -> None:
    """Create the tables that are missing."""
    with services() as wired:
        created = schema.create_missing(wired.database)
    console.print(f"Created {', '.join(created)}." if created else "All tables are there.")


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
    if kind is not None and kind not in files.KINDS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(files.KINDS)}")
    mapping = {}
    for pair in column or []:
        ours, separator, theirs = pair.partition("=")
        if not separator or not ours or not theirs:
            raise typer.BadParameter(f"{pair!r} is not of the form our_column=your_column")
        mapping[ours] = theirs
    with services() as wired:
        load_files(wired, path, kind, mapping)


def load_files(wired: Wired, path: Path, kind: str | None, mapping: dict[str, str]) -> None:
    for source in files.sources(path, kind, mapping):
        rejects = Path(f"{source.path.name}.rejects.jsonl")
        with progress_bar() as bar:
            task = bar.add_task(f"{source.path.name} ({source.kind})", total=source.size, note="")
            started = now()

            def show(_: Source, position: int, loaded: int, rejected: int) -> None:
                rate = loaded / max((now() - started).total_seconds(), 1e-3)  # noqa: B023 - called within the loop
                note = f"{loaded:,} rows, {rate:,.0f}/s" + (f", {rejected:,} bad" if rejected else "")
                bar.update(task, completed=position, note=note)  # noqa: B023 - called within the loop

            outcome = importing.run(wired.services, wired.services.settings.project, source, rejects, show)
        console.print(f"{source.path.name}: {outcome.loaded:,} {source.kind} loaded, {outcome.rejected:,} rejected.")
        if outcome.rejects:
            console.print(f"  The bad rows and why: {outcome.rejects}")


@cli.command()
def train(
    force: Annotated[bool, typer.Option("--force", help="Activate the version even if it is clearly worse.")] = False,
    version_id: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Learn a new model version from all events and activate it."""
    with services() as wired:
        train_now(wired, version_id, force=force)


def train_now(wired: Wired, version_id: str | None, *, force: bool) -> None:
    training = wired.services.train
    project = wired.services.settings.project
    version = training.get(project, version_id) if version_id else training.queue(project)
    with progress_bar() as bar:
        task = bar.add_task("Training", total=1.0, note="")

        def show(phase: str, progress: float) -> None:
            bar.update(task, completed=progress, description=f"Training: {phase}")

        trained = training.run(project, version, force=force, report=show)
    console.print(
        f"Trained {trained.version}: NDCG@20 {trained.metrics['ndcg']:.4f} on held-out events "
        f"(popularity {trained.metrics['popularity_ndcg']:.4f}), "
        f"{trained.counts['items']} items, {trained.seconds:.1f} s"
    )
    if trained.detail:
        console.print(trained.detail)


@cli.command()
def evaluate(
    train_file: Annotated[Path, typer.Argument(metavar="TRAIN", help="A file with user_id, item_id[, ...].")],
    test: Annotated[Path | None, typer.Option(help="What is right; a part of TRAIN is held out if left out.")] = None,
    holdout: Annotated[
        str, typer.Option(help="random, time or last: also how the trainer cuts its own part.")
    ] = "random",
    k: Annotated[int, typer.Option(min=1, max=1_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """Judge the recommender on files, without a database."""
    from app.entry import evaluating  # noqa: PLC0415 - loads numpy

    if holdout not in evaluating.HOLDOUTS:
        raise typer.BadParameter(f"{holdout!r} is none of {', '.join(evaluating.HOLDOUTS)}")
    with progress_bar() as bar:
        task = bar.add_task("Reading", total=1.0, note="")
        report = evaluating.run(
            train_file, test, holdout, k, lambda phase, done: bar.update(task, completed=done, description=phase)
        )
    if as_json:
        console.print_json(orjson.dumps(report).decode())
        return
    table = Table("", "Serendip", "Popularity", title=f"{train_file.name}, k = {k}, holdout {report['holdout']}")
    for name in ("recall", "ndcg", "hit_rate", "mrr", "coverage", "users"):
        table.add_row(name, str(report["metrics"][name]), str(report["popularity"][name]))
    console.print(table)
    console.print(f"parameters {report['parameters']}")
    console.print(f"{report['seconds']} s, peak memory {report['peak_memory_mb']} MB, {report['interactions']}")


@cli.command()
def recommend(user_id: str, limit: Annotated[int, typer.Option(min=1, max=100)] = 10, as_json: AsJson = False) -> None:
    """What a user should see next, and why."""
    with services() as wired:
        answer = wired.services.recommend.for_user(wired.services.settings.project, user_id, Wish(limit=limit))
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
    table = Table("Item", "Title", "Score", "From", "Because of", title=f"For {user_id}, {answer.model_version}")
    for row in rows:
        because = ", ".join(f"{reason['item']} {reason['share']:.0%}" for reason in row["reasons"])
        table.add_row(row["item_id"], row["title"] or "", f"{row['score']:.4f}", row["source"], because)
    console.print(table)


@models.command("list")
def models_list() -> None:
    """All versions, newest first."""
    with services() as wired:
        project = wired.services.settings.project
        page, active = wired.services.train.list_page(project, None, 100), wired.services.train.active(project)
    table = Table("Version", "State", "NDCG@20", "Items", "Seconds", "")
    for version in page.records:
        mark = "active" if active and active.version == version.version else version.detail or ""
        quality = f"{version.metrics['ndcg']:.4f}" if "ndcg" in version.metrics else ""
        table.add_row(
            version.version,
            version.state,
            quality,
            str(version.counts.get("items", "")),
            str(version.seconds or ""),
            mark,
        )
    console.print(table)


@models.command("activate")
def models_activate(version: str) -> None:
    """Serve this version from now on; an older one is a roll-back."""
    with services() as wired:
        active = wired.services.train.activate(wired.services.settings.project, version)
    console.print(f"Active: {active.version} (before: {active.previous or 'none'})")


@models.command("cancel")
def models_cancel(version: str) -> None:
    """Stop a running training."""
    with services() as wired:
        wired.services.train.cancel(wired.services.settings.project, version)
    console.print(f"{version} stops at its next report.")


@models.command("collect")
def models_collect() -> None:
    """Remove what killed, failed and outdated trainings left behind."""
    with services() as wired:
        cleaned = wired.services.train.collect(wired.services.settings.project)
    console.print(f"Cleaned {cleaned} version(s).")


@cli.command()
def export(
    kind: Annotated[str, typer.Argument(help="events, items or users.")],
    path: Annotated[Path, typer.Argument(help="A JSON Lines file to write; `import` reads it back.")],
) -> None:
    """Write all records of a kind to a file."""
    if kind not in files.KINDS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(files.KINDS)}")
    with services() as wired:
        count = exporting.run(wired, kind, path)
    console.print(f"{path}: {count:,} {kind}")


if __name__ == "__main__":
    main()
