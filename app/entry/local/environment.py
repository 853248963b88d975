"""The environment on a laptop: DynamoDB Local, a signing secret, an API key, and jobs as processes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

import psutil
from opentelemetry.trace import TracerProvider

from app import telemetry
from app.config import PREFIX, Settings
from app.domain.access import Limits, Scope
from app.domain.jobs import Job
from app.entry import oidc_client, tracing
from app.entry.local import dynamodb
from app.errors import Exists, Unauthenticated
from app.services.access.authentication import Credentials
from app.services.bundle import Services
from app.storage.admin import migration
from app.wiring import Wired, wire

HOME = Path(".serendip")
SECRET = "secret"  # noqa: S105 - a file's name
KEY = "key"
FILES = "files"
KEY_NAME = "make run"
STOP_SECONDS = 5.0
LISTS_SECONDS = "1"
"""Live lists are refreshed at most this often; it costs nothing here."""
READ_TIMEOUT_SECONDS = "10"
"""DynamoDB Local is slow on a busy laptop, and early retries make it slower."""


class ProcessLauncher:
    """Runs each job in a process of its own, so that jobs do not slow down serving."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._running: list[psutil.Popen] = []

    def launch(self, project: str, job: Job) -> None:
        log = telemetry.current()
        environment = {
            **self._environment,
            f"{PREFIX}PROJECT": project,
            telemetry.TRACEPARENT_VARIABLE: log.traceparent,
            telemetry.REQUEST_VARIABLE: log.request_id,
        }
        self._running = [process for process in self._running if process.poll() is None]
        self._running.append(
            psutil.Popen(
                [sys.executable, "-m", "app.entry.cli.main", "jobs", "work", job.job_id],
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        )

    def stop(self) -> None:
        """Stops the running jobs' processes; the jobs resume at the next start."""
        for process in self._running:
            if process.poll() is None:
                process.terminate()
                process.wait(STOP_SECONDS)


def secret(home: Path) -> str:
    """This checkout's signing secret, created once in a file that only its owner can read."""
    path = home / SECRET
    home.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(token_hex(32))
    except FileExistsError:
        pass
    return path.read_text()


def environment(home: Path, endpoint: str) -> dict[str, str]:
    """The environment variables of a process that uses the local database."""
    defaults = {
        f"{PREFIX}LISTS_SECONDS": LISTS_SECONDS,
        f"{PREFIX}READ_TIMEOUT_SECONDS": READ_TIMEOUT_SECONDS,
        f"{PREFIX}FILES": str((home / FILES).resolve()),
    }
    return {**defaults, **os.environ, f"{PREFIX}ENDPOINT": endpoint, f"{PREFIX}SECRET": secret(home)}


@contextmanager
def connected(home: Path, folder: Path) -> Iterator[tuple[Wired, TracerProvider | None]]:
    """The services over a local database, or over the one at SERENDIP_ENDPOINT."""
    endpoint = os.environ.get(f"{PREFIX}ENDPOINT")
    if endpoint:
        yield from _wired(environment(home, endpoint))
        return
    with dynamodb.running(home, folder) as emulator:
        yield from _wired(environment(home, emulator.endpoint))


def _wired(values: Mapping[str, str]) -> Iterator[tuple[Wired, TracerProvider | None]]:
    launcher = ProcessLauncher(values)
    settings = Settings.from_environment(values)
    provider = tracing.provider(settings)
    wired = wire(settings, launcher, oidc_client.fetch, tracing.tracer(provider))
    migration.migrate(wired.database)
    with suppress(Exists):
        wired.services.projects.create(settings.project, None, Limits())
    try:
        yield wired, provider
    finally:
        launcher.stop()
        wired.close()


def keep_key(home: Path, services: Services) -> None:
    """Stores an admin key of the project in a file that only its owner can read, unless the file has a valid one."""
    path, project = home / KEY, services.settings.project
    if path.exists():
        with suppress(Unauthenticated):
            if services.access.authenticate(Credentials(path.read_text().strip())).project == project:
                return
    _, text = services.keys.create(project, KEY_NAME, frozenset({Scope.ADMIN}))
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
        new.write(text + "\n")
