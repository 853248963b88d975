"""Serves from several processes: this one does what only one may do, and its workers answer the requests."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from threading import Thread
from time import sleep
from typing import Any

from app import telemetry
from app.api.sockets.session import SocketApi
from app.config import PREFIX
from app.domain.jobs import Job
from app.entry.errors import SetupError
from app.entry.local import server
from app.entry.local.overload.rooms import MOST_CONNECTIONS
from app.entry.local.processes import background
from app.entry.local.processes.hub import Hub
from app.entry.local.processes.process import Assignment, Process
from app.entry.local.processes.reception import Reception
from app.entry.local.processes.supervisor import Supervisor
from app.entry.local.sign_in import SignIn
from app.entry.local.stream_follower import Pace
from app.services.bundle import Launcher
from app.telemetry import RequestLog
from app.wiring import Wired

LAST_SECONDS = 5.0
"""How much longer than a request may take workers may take to end."""
NOTE_SECONDS, NOTES = 0.02, 65_536
"""Writes within this time wake the follower once."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to serve, beside the services."""

    workers: int
    port: int
    environment: Mapping[str, str]
    """The settings of the workers."""
    assignment: Assignment
    """What all workers do; its limit of connections is that of them all."""
    host: str = server.LOOPBACK


def serve(
    wired: Wired,
    plan: Plan,
    launcher: Launcher,
    ready: Callable[[], None],
    start_waiting: Callable[[], bool] = bool,
    sign_in: SignIn | None = None,
) -> None:
    """Serves until the process is stopped.

    Args:
        wired: the services of this process.
        plan: what to serve.
        launcher: starts the jobs of all workers.
        ready: called once all workers serve.
        start_waiting: starts jobs that wait; returns whether there are more.
        sign_in: the one-time links of the console.

    Raises:
        SetupError: the port is taken, a worker does not start, or there are more workers than requests at a time.
    """
    settings = wired.services.settings
    if plan.workers > settings.max_requests:
        raise SetupError(
            f"{plan.workers} workers are more than the {settings.max_requests} requests at a time that "
            f"{PREFIX}MAX_REQUESTS allows. Start fewer, or allow more."
        )
    environment = {**plan.environment, f"{PREFIX}MAX_REQUESTS": str(settings.max_requests // plan.workers)}
    assignment = replace(
        plan.assignment, most_connections=MOST_CONNECTIONS // plan.workers, has_sign_in=sign_in is not None
    )
    methods: dict[str, Callable[..., Any]] = {"launch": partial(_launch, launcher)}
    if sign_in is not None:
        methods["exchange"] = sign_in.exchange
    notes, written = os.pipe()
    os.set_blocking(written, False)
    start = partial(Process, assignment, environment, written, methods)
    supervisor = Supervisor(plan.workers, start, settings.request_deadline_seconds + LAST_SECONDS)
    reception = Reception(plan.host, plan.port, supervisor.workers)
    sockets = SocketApi(wired.services, Hub(supervisor.callers))
    try:
        with (
            background.running(wired, sockets, start_waiting) as pace,
            _woken(pace, notes, written),
            supervisor.running(),
        ):
            server.settle()
            reception.start()
            ready()
            supervisor.watch()
            reception.stop()
    finally:
        reception.stop()


@contextmanager
def _woken(pace: Pace, notes: int, written: int) -> Iterator[None]:
    """Wakes the follower when workers note writes, until the context ends, in which the workers end."""

    def wake() -> None:
        while os.read(notes, NOTES):
            pace.wake()
            sleep(NOTE_SECONDS)

    waking = Thread(target=wake, name="notes", daemon=True)
    waking.start()
    try:
        yield
    finally:
        os.close(written)
        waking.join()
        os.close(notes)


def _launch(launcher: Launcher, project: str, job: Job, trace: tuple[str, str, str, str]) -> None:
    """Launches a job for a request in a worker. Raises WorkerUnavailable."""
    with telemetry.logging_context(RequestLog(*trace)):
        launcher.launch(project, job)
