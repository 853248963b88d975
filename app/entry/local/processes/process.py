"""One worker of a server, as the process that has started it sees it."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from multiprocessing import Pipe
from secrets import token_hex
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

from app.entry.errors import SetupError
from app.entry.local.overload.rooms import MOST_CONNECTIONS
from app.entry.local.processes.channel import Caller, Ended, Silent, answer

COMMAND = (sys.executable, "-m", "app.entry.local.processes.worker")
"""Its argument is the JSON of the assignment."""
START_SECONDS, ANSWER_SECONDS = 60.0, 30.0
"""A worker that takes longer to get ready, or to answer a call, hangs."""
END_SECONDS = 5.0
NAME_BYTES = 6
HANDED = b"c"
"""What a connection is sent with."""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What a worker does, beside what the environment says."""

    most_connections: int = MOST_CONNECTIONS
    with_request_lines: bool = False
    has_sign_in: bool = False
    """Whether the console has one-time links."""
    folder: str | None = None
    """The folder of the database, if its disk can be watched."""
    owns_database: bool = False
    """Whether the database was started by this server, and ends with it."""


@dataclass(frozen=True, kw_only=True)
class Wires:
    """What connects a worker: its name, and the descriptors of what it shares with the process that has started it."""

    name: str
    """The ids of its live sockets begin with it."""
    door: int
    """Connections arrive here. It closes when the other process ends."""
    answers: int
    """Calls of the other process arrive here."""
    asks: int
    """Calls of the worker go out here."""
    writes: int
    """Gets a byte for each write into the database."""


class Process:
    """A worker. Its methods can be called from any thread."""

    def __init__(
        self,
        assignment: Assignment,
        environment: Mapping[str, str],
        writes: int,
        methods: Mapping[str, Callable[..., Any]],
    ) -> None:
        """Starts the process, which may call these methods. Raises SetupError if it cannot be started."""
        self.name = token_hex(NAME_BYTES)
        self.ready = Event()
        """Set once it answers requests."""
        self.door, door = socket.socketpair()
        """Becomes readable when the process ends."""
        calls, answers = Pipe()
        requests, asks = Pipe()
        with door, answers, asks:
            descriptors = {"door": door.fileno(), "answers": answers.fileno(), "asks": asks.fileno(), "writes": writes}
            wires = Wires(name=self.name, **descriptors)
            try:
                self._process = subprocess.Popen(
                    [*COMMAND, json.dumps(asdict(assignment)), json.dumps(asdict(wires))],
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    pass_fds=tuple(descriptors.values()),
                    start_new_session=True,  # Ctrl-C is for the process that has started it, which passes it on
                )
            except OSError as error:
                raise SetupError(f"No worker could be started: {error.strerror}.") from error
        self.door.setblocking(False)
        self.calls = Caller(calls, ANSWER_SECONDS)
        self._lock, self._started_at = Lock(), monotonic()
        answers_it = {"ready": self.ready.set, **methods}
        Thread(target=answer, args=(requests, answers_it), name=f"worker-{self.name}", daemon=True).start()

    def take(self, connection: socket.socket) -> bool:
        """Hands it a connection; returns whether it takes one now."""
        with self._lock:
            if not self.ready.is_set():
                return False
            try:
                socket.send_fds(self.door, [HANDED], [connection.fileno()])
            except OSError:  # it has ended, or has yet to take earlier ones
                return False
            return True

    def check(self) -> None:
        """Kills the process if it hangs."""
        if not self.ready.is_set():
            if monotonic() - self._started_at > START_SECONDS:
                self.kill()
            return
        try:
            self.calls.call("check")
        except Silent:
            self.kill()
        except Ended:  # the supervisor notices it too
            return

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def terminate(self) -> None:
        """Asks it to end once it has answered its requests."""
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> str:
        """Waits for the end of a process that is ending, kills it if that takes long, and returns how it ended."""
        try:
            status = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            status = self._process.wait(END_SECONDS)
        self.ready.clear()
        self.calls.close()
        with self._lock:
            self.door.close()
        return f"signal {-status}" if status < 0 else f"status {status}"
