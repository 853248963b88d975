"""A database on disk, a proxy in front of it, and one server at a time, of the source tree on trial."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil

from app.entry.local import dynamodb
from tests.support.datasets import ROOT
from tests.support.slow_proxy import Proxy
from tests.trial.health import watched
from tests.trial.record import DEADLINE_SECONDS, GRACE_SECONDS, Record

CODE = "TRIAL_CODE"
"""Environment variable: another source tree, such as a clone of an older commit."""
LIBRARIES = ("httptools", "uvloop")
PROJECT = "trial"
START_SECONDS = 60.0
WAIT_SECONDS = DEADLINE_SECONDS + GRACE_SECONDS + 4.0
"""How long clients wait for a response before they count it as never given."""
VARIABLES = {
    "SERENDIP_SECRET": "of the trial only: not a secret at all",
    "SERENDIP_PROJECT": PROJECT,
    "SERENDIP_LISTS_SECONDS": "0.5",
    "SERENDIP_LIST_TTL_SECONDS": "0",
    "SERENDIP_CLAIM_SECONDS": str(DEADLINE_SECONDS + 1),
    "SERENDIP_REQUEST_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
    "OPENBLAS_NUM_THREADS": "1",
}


class Stage:
    def __init__(self, folder: Path, *, is_short: bool, kills: int) -> None:
        self.folder, self.is_short, self.kills = folder, is_short, kills
        self.data = folder / "database"
        self.log = folder / "server.log"
        self.emulator = dynamodb.start(ROOT / ".serendip", self.data)
        self.proxy = Proxy(self.emulator.port)
        self.port = dynamodb.free_port()
        self.process: psutil.Process | None = None
        self.keys: dict[str, str] = {}
        self._variables: Mapping[str, str] = {}
        self._forker = self._started_forker()

    def _started_forker(self) -> "subprocess.Popen[str]":
        """Starts the program that forks servers, without libraries that its tree does not name."""
        tree = Path(os.environ.get(CODE, ROOT))
        hidden = self.folder / "hidden"
        hidden.mkdir()
        for name in LIBRARIES:
            if name not in (tree / "pyproject.toml").read_text():
                (hidden / f"{name}.py").write_text("raise ImportError")
        return subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("program.py"))],
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tree), str(hidden)))},
            cwd=tree,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def running(self) -> Iterator["Stage"]:
        with self.proxy.running():
            try:
                self._seed()
                yield self
            finally:
                self.kill()
                self._forker.kill()
                self._forker.communicate()
                self.emulator.stop(kill=True)

    def _seed(self) -> None:
        keys = self.folder / "keys.json"
        variables = self._with({"SERENDIP_REQUEST_DEADLINE_SECONDS": "60"})
        items = 1_000 if self.is_short else 10_000
        self._order({"variables": variables, "log": str(self.log), "items": items, "keys": str(keys)})
        self._until(lambda: keys.exists() and keys.stat().st_size > 0)
        self.keys = json.loads(keys.read_text())

    def serve(self, **variables: str) -> None:
        """Serves with these settings (`SERENDIP_*`), by a server that nothing has happened to."""
        self.kill()
        self._variables = {f"SERENDIP_{name.upper()}": value for name, value in variables.items()}
        self.start()

    def start(self) -> None:
        """Starts the server again, with the same settings on the same port."""
        variables = self._with(self._variables)
        self.process = psutil.Process(
            int(self._order({"variables": variables, "log": str(self.log), "port": self.port}))
        )
        self._until(self._responds)

    def kill(self) -> None:
        """Ends the server by SIGKILL."""
        if self.process is not None and self.process.is_running():
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
        self.process = None

    def kill_database(self) -> None:
        """Ends the database by SIGKILL and starts it again."""
        self.emulator.stop(kill=True)
        self.emulator = dynamodb.start(ROOT / ".serendip", self.data, self.emulator.port)

    def shift_clock(self, seconds: float) -> None:
        """Makes the clock of the server wrong by some seconds."""
        self._order({"shift": seconds})

    @contextmanager
    def client(self, key: str = "admin", seconds: float = WAIT_SECONDS) -> Iterator[httpx2.Client]:
        headers = {"X-API-Key": self.keys[key]} if key else {}
        limits = httpx2.Limits(max_connections=300, max_keepalive_connections=300)
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=seconds, limits=limits
        ) as client:
            yield client

    @contextmanager
    def watched(self, record: Record) -> Iterator[None]:
        """Watches health checks of the server."""
        with watched(self.port) as pulse:
            yield
        record.health_p99 = pulse.p99

    def memory(self) -> int:
        """Bytes that the server uses."""
        assert self.process is not None
        return int(self.process.memory_info().rss)

    def cpu_seconds(self) -> float:
        assert self.process is not None
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def _with(self, variables: Mapping[str, str]) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("SERENDIP_")}
        return own | VARIABLES | {"SERENDIP_ENDPOINT": self.emulator.endpoint} | dict(variables)

    def _order(self, order: Mapping[str, object]) -> str:
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        self._forker.stdin.write(json.dumps(order) + "\n")
        self._forker.stdin.flush()
        return self._forker.stdout.readline()

    def _responds(self) -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/health/live", timeout=5).is_success
        except httpx2.TransportError:
            return False

    def _until(self, holds: Callable[[], bool]) -> None:
        ends_at = time.monotonic() + START_SECONDS
        while not holds():
            if time.monotonic() > ends_at:
                raise RuntimeError(f"The server did not start. {self.log.read_text()[-2_000:]}")
            time.sleep(0.02)
