"""`serendip serve`: the API on this machine, over a local database with a sample shop or your own data."""

import json
import random
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.entry.cli.imports import load_files
from app.entry.cli.mistakes import readable_path
from app.entry.cli.terminal import CURRENT, console, database_folder, progress_bar
from app.entry.cli.train import train_now
from app.errors import NotEnoughData

if TYPE_CHECKING:
    from app.services.bundle import Services

SAMPLE_STATE = "sample.json"


def serve(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on, at 127.0.0.1.")] = 8000,
    data: Annotated[
        Path | None, typer.Option("--data", help="Your own data: a file or a folder of files. Default: a sample shop.")
    ] = None,
) -> None:
    """Serve the API on this machine, over a local database with a sample shop or your own data."""
    from app import telemetry
    from app.entry.local import dynamodb, environment, server

    if data is not None:
        readable_path(data)
    dynamodb.check_free(port)
    base = f"http://127.0.0.1:{port}"
    console.print(f"API         {base}/v1\nSwagger UI  {base}/docs\nReDoc       {base}/redoc", highlight=False)
    console.print(f"Sockets     ws://127.0.0.1:{port}/v1/socket", highlight=False)
    console.print(f"API key     {environment.HOME / environment.KEY} (send it as X-API-Key)\n", highlight=False)
    folder = database_folder(data)
    with environment.serving(environment.HOME, folder) as laptop:
        services, project = laptop.wired.services, laptop.wired.services.settings.project
        (environment.HOME / CURRENT).write_text(str(folder))
        environment.keep_key(environment.HOME, services)
        if data is None:
            load_sample(services, project)
        else:
            load_files(services, project, data, None, {})
        if services.rollout.active(project) is None:
            try:
                train_now(services, project, force=False)
            except NotEnoughData as error:
                console.print(f"No model yet: {error}")
        telemetry.configure()
        ready = partial(console.print, f"Ready: {base}/docs (stop with Ctrl-C)", highlight=False)
        server.serve(laptop.wired, laptop.provider, port, ready, laptop.workers.start_waiting)


def load_sample(services: "Services", project: str) -> None:
    """Load the synthetic shop once. A load that was killed is repeated with the same events."""
    from app import clock
    from app.entry.local import sample_shop

    state_file = database_folder(None) / SAMPLE_STATE
    if state_file.exists():
        state = json.loads(state_file.read_text())
        if state["complete"]:
            return
        now = datetime.fromisoformat(state["now"])
    elif services.items.list_page(project, None, None, 1).records:
        return
    else:
        now = clock.now()
        state_file.parent.mkdir(parents=True, exist_ok=True)
        state_file.write_text(json.dumps({"now": now.isoformat(), "complete": False}))
    console.print("The database is empty. Loading a synthetic sample shop.")
    generator = random.Random(sample_shop.SEED)  # noqa: S311 - made-up data
    items = sample_shop.items(generator)
    users = sample_shop.users(generator)
    events = list(sample_shop.events(generator, items, users, now))
    for start in range(0, len(items), 100):
        services.items.put_many(project, items[start : start + 100])
    for start in range(0, len(users), 100):
        services.users.put_many(project, users[start : start + 100])
    with progress_bar() as bar:
        task = bar.add_task("Events", total=len(events), note="")
        for start in range(0, len(events), 500):
            batch = events[start : start + 500]
            services.events.accept(project, batch)
            bar.advance(task, len(batch))
    state_file.write_text(json.dumps({"now": now.isoformat(), "complete": True}))
    console.print(f"Loaded {len(items)} items, {len(users)} users and {len(events):,} events.")
