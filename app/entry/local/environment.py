"""The environment on a laptop: DynamoDB Local, a signing secret, an API key, and jobs as processes."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from opentelemetry.trace import TracerProvider

from app.config import PREFIX, Settings
from app.domain.access import Limits, Scope
from app.entry import oidc_client, tracing
from app.entry.errors import SetupError
from app.entry.launcher import NoLauncher
from app.entry.local import database_file, disk, shared_emulator
from app.entry.local.dynamodb import POLL_SECONDS, START_SECONDS, responds
from app.entry.local.home import FILES, KEY, keep_private, read, secret
from app.entry.local.worker_processes import WorkerProcesses
from app.errors import Exists, Unauthenticated
from app.services.access.authentication import Credentials
from app.services.bundle import Launcher, Services
from app.storage.admin import migration
from app.storage.connection import Explain
from app.storage.database import Load
from app.wiring import Wired, wire

KEY_NAME = "make run"
LISTS_SECONDS = "1"
"""Live lists are refreshed at most this often; it costs nothing here."""
READ_TIMEOUT_SECONDS = "10"
"""DynamoDB Local is slow on a busy laptop, and early retries make it slower."""


def environment(home: Path, endpoint: str) -> dict[str, str]:
    """The environment variables of a process that uses the local database."""
    defaults = {
        f"{PREFIX}LISTS_SECONDS": LISTS_SECONDS,
        f"{PREFIX}READ_TIMEOUT_SECONDS": READ_TIMEOUT_SECONDS,
        f"{PREFIX}FILES": str((home / FILES).resolve()),
    }
    return {**defaults, **os.environ, f"{PREFIX}ENDPOINT": endpoint, f"{PREFIX}SECRET": secret(home)}


@dataclass(frozen=True)
class Laptop:
    """What serving needs besides the services."""

    wired: Wired
    provider: TracerProvider | None
    workers: WorkerProcesses
    environment: Mapping[str, str]
    """The settings of the services, for other processes."""
    owns_database: bool
    """Whether the database was started for the services, and ends with them."""


@contextmanager
def serving(home: Path, folder: Path) -> Iterator[Laptop]:
    """The services over a local database, or over the one at SERENDIP_ENDPOINT; they run jobs in processes."""
    folder.mkdir(parents=True, exist_ok=True)
    with _database(home, folder) as (endpoint, load):
        values = environment(home, endpoint)
        settings = Settings.from_environment(values)
        wait_for(str(settings.endpoint))
        workers = WorkerProcesses(home, values)
        provider = tracing.provider(settings)
        with _wired(values, workers, provider, load, partial(disk.full, folder)) as wired:
            try:
                yield Laptop(wired, provider, workers, values, not os.environ.get(f"{PREFIX}ENDPOINT"))
            finally:
                workers.stop()


@contextmanager
def connected(home: Path, folder: Path) -> Iterator[Wired]:
    """The services over a local database, for a command that starts no jobs."""
    with (
        _database(home, folder) as (endpoint, load),
        _wired(
            environment(home, endpoint),
            NoLauncher(),
            None,
            load,
            partial(disk.full, folder),
            has_joined=load is None,
        ) as wired,
    ):
        yield wired


@contextmanager
def _database(home: Path, folder: Path) -> Iterator[tuple[str, Load | None]]:
    """The endpoint of the database, and how to load many rows at once if it is ours alone."""
    endpoint = os.environ.get(f"{PREFIX}ENDPOINT")
    if endpoint:
        yield endpoint, None
        return
    with shared_emulator.running(home, folder) as emulator:
        yield emulator.endpoint, partial(database_file.load, emulator, folder) if emulator.start_again else None


def wait_for(endpoint: str, seconds: float = START_SECONDS) -> None:
    """Returns once the database at an address responds: one that SERENDIP_ENDPOINT names may start later than this.

    Raises:
        SetupError: it does not respond in time.
    """
    ends_at = time.monotonic() + seconds
    while not responds(endpoint):
        if time.monotonic() > ends_at:
            raise SetupError(f"The database at {endpoint} does not respond. Start it, or unset SERENDIP_ENDPOINT.")
        time.sleep(POLL_SECONDS)


@contextmanager
def _wired(
    values: Mapping[str, str],
    launcher: Launcher,
    provider: TracerProvider | None,
    load: Load | None,
    explain: Explain,
    *,
    has_joined: bool = False,
) -> Iterator[Wired]:
    """The services, after a migration, which another process has done if this one `has_joined` it.

    A database without projects gets the configured one. Later ones are created by name only: a mistyped
    SERENDIP_PROJECT must not create one.
    """
    settings = Settings.from_environment(values)
    wired = wire(settings, launcher, oidc_client.fetch, tracing.tracer(provider), load=load, explain=explain)
    try:
        if not has_joined or migration.lacks_tables(wired.database):
            migration.migrate(wired.database)
        if not wired.services.projects.list_page(None, 1).records:
            with suppress(Exists):  # another process was faster
                wired.services.projects.create(settings.project, None, Limits())
        yield wired
    finally:
        wired.close()


def keep_key(home: Path, services: Services) -> None:
    """Stores an admin key of the project in a file that only its owner can read, unless the file has a valid one."""
    path, project = home / KEY, services.settings.project
    if path.exists():
        with suppress(Unauthenticated):
            if services.access.authenticate(Credentials(read(path).strip())).project == project:
                return
    _, text = services.keys.create(project, KEY_NAME, frozenset({Scope.ADMIN}))
    path.unlink(missing_ok=True)
    keep_private(path, text + "\n")
