"""The laptop's twin of the cloud: DynamoDB Local, the same application under uvicorn, trainings as processes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import psutil

from app.config import PREFIX, Settings
from app.domain import ModelVersion
from app.entry import dynamodb_local
from app.storage import schema
from app.wiring import Wired, wire

HOME = Path(".serendip")
SECRET = "secret"  # noqa: S105 - a file's name
STOP_SECONDS = 5.0


class ProcessLauncher:
    """Trains in a process of its own, so that serving keeps its cores and its memory."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._running: list[psutil.Popen] = []

    def launch(self, project: str, version: ModelVersion, *, force: bool) -> None:
        command = [sys.executable, "-m", "app.entry.cli", "train", "--version-id", version.version]
        environment = {**self._environment, f"{PREFIX}PROJECT": project}
        self._running = [process for process in self._running if process.poll() is None]
        self._running.append(
            psutil.Popen(
                [*command, "--force"] if force else command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        )

    def stop(self) -> None:
        """End the trainings that still run, by their ids."""
        for process in self._running:
            if process.poll() is None:
                process.terminate()
                process.wait(STOP_SECONDS)


def secret(home: Path) -> str:
    """This checkout's signing secret: made once, readable by its owner only."""
    path = home / SECRET
    home.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(token_hex(32))
    except FileExistsError:
        pass
    return path.read_text()


def environment(home: Path, endpoint: str) -> dict[str, str]:
    """What a process needs to work on the local database."""
    return {**os.environ, f"{PREFIX}ENDPOINT": endpoint, f"{PREFIX}SECRET": secret(home)}


@contextmanager
def connected(home: Path, folder: Path) -> Iterator[tuple[Wired, ProcessLauncher]]:
    """The services over a local database, or over the one that SERENDIP_ENDPOINT names."""
    given = os.environ.get(f"{PREFIX}ENDPOINT")
    if given:
        yield from _wired(environment(home, given))
        return
    with dynamodb_local.running(home, folder) as emulator:
        yield from _wired(environment(home, emulator.endpoint))


def _wired(values: Mapping[str, str]) -> Iterator[tuple[Wired, ProcessLauncher]]:
    launcher = ProcessLauncher(values)
    wired = wire(Settings.from_environment(values), launcher)
    schema.create_missing(wired.database)
    try:
        yield wired, launcher
    finally:
        launcher.stop()
        wired.database.close()
