"""`serendip serve`: the API on this machine, over a local database with a sample shop or your own data."""

import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from app.entry.cli.mistakes import readable_path
from app.entry.cli.terminal import (
    DateFormat,
    Decimal,
    Encoding,
    EventType,
    Mapped,
    RecordKind,
    TimeUnit,
    console,
    existing_project,
)
from app.entry.cli.train import train_now
from app.entry.errors import SetupError
from app.errors import NotEnoughData

if TYPE_CHECKING:
    from app.entry.files.reader import Options
    from app.services.bundle import Services

LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - for containers
SAMPLE_STATE = "sample.json"
DATA_STATE = "data.json"
BATCH_SECONDS = 120.0


def serve(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on, at 127.0.0.1.")] = 8000,
    all_interfaces: Annotated[
        bool,
        typer.Option(
            "--all-interfaces",
            help="Listen beyond 127.0.0.1, without TLS: in a container whose port is published on 127.0.0.1.",
        ),
    ] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="Your own data: a file or a folder of files. Default: a sample shop.")
    ] = None,
    kind: RecordKind = None,
    pairs: Mapped = None,
    encoding: Encoding = None,
    time_unit: TimeUnit = None,
    date_format: DateFormat = None,
    decimal: Decimal = ".",
    event_type: EventType = None,
    json_logs: Annotated[
        bool, typer.Option("--json-logs", help="Print the log as JSON lines instead of a short line for each request.")
    ] = False,
    workers: Annotated[
        int,
        typer.Option(min=1, help="Processes that answer requests, so that several cores serve."),
    ] = 1,
) -> None:
    """Serve the API on this machine, over a local database with a sample shop or your own data."""
    from app.config import PREFIX
    from app.entry.local import dynamodb, home

    source = None
    if data is not None:
        from app.entry.cli.loading import options_of
        from app.entry.jobs import sources

        readable_path(data)
        source = data, options_of(kind, pairs, encoding, time_unit, event_type, date_format, decimal)
        sources.of(*source)  # wrong files are reported before the database starts
    home.check(home.HOME)
    base, folder = f"http://{LOOPBACK}:{port}", home.database_folder(home.HOME, data)
    with home.only_server(home.HOME, base):
        host = EVERYWHERE if all_interfaces else LOOPBACK
        dynamodb.check_free(port, host)
        endpoint = os.environ.get(f"{PREFIX}ENDPOINT")
        console.print(f"Using the database at {endpoint}." if endpoint else "Starting the database.")
        Thread(target=_preload, name="preload", daemon=True).start()
        _serve(host, port, base, folder, source, workers, json_logs=json_logs)


def _preload() -> None:
    """Imports what is needed next while the database starts."""
    import app.entry.local.server
    import app.recommender.fit.learn  # noqa: F401 - only to load it


def _serve(
    host: str,
    port: int,
    base: str,
    folder: Path,
    source: "tuple[Path, Options] | None",
    workers: int,
    *,
    json_logs: bool,
) -> None:
    from app import telemetry
    from app.entry.cli.loading import load_once
    from app.entry.local import environment, home, request_lines, server
    from app.entry.local.processes import serving
    from app.entry.local.processes.process import Assignment
    from app.entry.local.sign_in import SignIn

    with environment.serving(home.HOME, folder) as laptop:
        services = laptop.wired.services
        project = existing_project(services, services.settings.project)
        if source is None:
            load_sample(services, project, folder)
        elif not load_once(services, project, *source, folder / DATA_STATE):
            raise typer.Exit(1)
        if services.rollout.active(project) is None:
            try:
                train_now(services, project, force=False)
            except NotEnoughData as error:
                console.print(f"No model yet: {error}")
        if json_logs:
            telemetry.configure()
        else:
            request_lines.print_failures()

        sign_in = SignIn(lambda: home.read(home.HOME / home.KEY).strip(), services.clock)

        def ready() -> None:
            """Only a server that answers replaces the key and the current database of an earlier one."""
            environment.keep_key(home.HOME, services)
            home.keep_current(home.HOME, folder)
            link = "" if json_logs else f"#code={sign_in.new_code()}"  # standard output is the log then
            console.print(
                f"\nAPI         {base}/v1\nSwagger UI  {base}/docs\nReDoc       {base}/redoc\n"
                f"Sockets     ws://127.0.0.1:{port}/v1/socket\n"
                f"API key     {home.HOME / home.KEY} (send it as X-API-Key)\n\n"
                f"Ready: {base}/console{link} (stop with Ctrl-C)",
                highlight=False,
                soft_wrap=True,  # a wrapped link does not work
            )

        starts = laptop.workers.start_waiting
        if workers > 1:
            assignment = Assignment(
                with_request_lines=not json_logs, folder=str(folder), owns_database=laptop.owns_database
            )
            plan = serving.Plan(
                workers=workers, port=port, host=host, environment=laptop.environment, assignment=assignment
            )
            serving.serve(laptop.wired, plan, laptop.workers, ready, starts, sign_in)
            return
        server.serve(
            laptop.wired, laptop.provider, port, ready, starts, sign_in, host=host, with_request_lines=not json_logs
        )


def _has_data(services: "Services", project: str) -> bool:
    """Whether the project has an item, a user or an event."""
    return bool(
        services.items.list_page(project, None, None, 1).records
        or services.users.list_page(project, None, 1).records
        or next(services.events.all(project), None)
    )


def load_sample(services: "Services", project: str, folder: Path) -> None:
    """Load the synthetic shop once into a project without data. A load that was killed is repeated."""
    from app import clock
    from app.deadline import within
    from app.entry.local import sample_shop

    state_file = folder / SAMPLE_STATE
    if state_file.exists():
        try:
            state = json.loads(state_file.read_text())
            complete, now = state["complete"], datetime.fromisoformat(state["now"])
        except (ValueError, KeyError, TypeError) as error:
            raise SetupError(
                f"{state_file} is damaged. Delete it to load the sample shop again, or {folder} to start afresh."
            ) from error
        if complete:
            return
    elif _has_data(services, project):
        return
    else:
        now = clock.now()
        state_file.parent.mkdir(parents=True, exist_ok=True)
        state_file.write_text(json.dumps({"now": now.isoformat(), "complete": False}))
    console.print("The database is empty. Loading a synthetic sample shop.")
    generator = random.Random(sample_shop.SEED)  # noqa: S311 - made-up data
    items = sample_shop.items(generator)
    users = sample_shop.users(generator)
    since = services.events.kept_since() or datetime.min.replace(tzinfo=UTC)
    events = [event for event in sample_shop.events(generator, items, users, now) if event.timestamp >= since]
    for start in range(0, len(items), 100):
        services.items.put_many(project, items[start : start + 100])
    for start in range(0, len(users), 100):
        services.users.put_many(project, users[start : start + 100])
    for start in range(0, len(events), services.events.batch_size):
        with within(BATCH_SECONDS):
            services.events.accept(project, events[start : start + services.events.batch_size])
    state_file.write_text(json.dumps({"now": now.isoformat(), "complete": True}))
    console.print(f"Loaded {len(items)} items, {len(users)} users and {len(events):,} events.")
