"""What all commands share: the terminal and the services over the configured database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.config import PREFIX, Settings
from app.entry import oidc_client
from app.entry.launcher import NoLauncher
from app.entry.local import environment
from app.services.bundle import Services
from app.wiring import Wired, wire

console = Console()
problems = Console(stderr=True)

DATABASES = "databases"
CURRENT = "current"
"""Names the database that was served last; the other commands use it."""


@contextmanager
def connect() -> Iterator[tuple[Services, str]]:
    """The services over the configured database, and the configured project."""
    with connect_wired() as wired:
        yield wired.services, wired.services.settings.project


@contextmanager
def connect_wired() -> Iterator[Wired]:
    """The configured database, or the local one of `make run`, with its services."""
    if f"{PREFIX}ENDPOINT" in os.environ or f"{PREFIX}SECRET" in os.environ:
        values = dict(os.environ)
        values.setdefault(f"{PREFIX}SECRET", environment.secret(environment.HOME))
        values.setdefault(f"{PREFIX}READ_TIMEOUT_SECONDS", "20")  # no client waits for a response here
        wired = wire(Settings.from_environment(values), NoLauncher(), oidc_client.fetch)
        try:
            yield wired
        finally:
            wired.close()
    else:
        current = environment.HOME / CURRENT
        folder = Path(current.read_text()) if current.exists() else database_folder(None)
        with environment.connected(environment.HOME, folder) as wired:
            yield wired


def database_folder(data: Path | None) -> Path:
    """The folder of the local database for this data; None is the sample shop."""
    name = "sample" if data is None else f"{data.stem}-{sha256(str(data.resolve()).encode()).hexdigest()[:8]}"
    return environment.HOME / DATABASES / name


def progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% {task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=problems,
    )
