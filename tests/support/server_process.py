"""The application in a separate process on a real socket."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import httpx2
import psutil

from app import telemetry
from app.api.application import create_application
from app.config import Settings
from app.entry import oidc_client
from app.entry.local import dynamodb, server
from app.entry.local.processes import serving
from app.entry.local.processes.process import Assignment
from app.wiring import wire
from tests.support.builders import SECRET, IdleLauncher, ThreadLauncher, until
from tests.support.processes import PROCESSES

REST, SOCKETS, LIVE, JOBS = "rest", "sockets", "live", "jobs"
"""Modes: without live sockets, with them but without the stream, with both, and with jobs too, as `make run` serves."""


def environment(settings: Settings, project: str) -> dict[str, str]:
    return {
        **os.environ,
        "SERENDIP_SECRET": SECRET.get_secret_value(),
        "SERENDIP_ENDPOINT": str(settings.endpoint),
        "SERENDIP_TABLE_PREFIX": settings.table_prefix,
        "SERENDIP_PROJECT": project,
        "SERENDIP_LISTS_SECONDS": "0.5",
        "SERENDIP_READ_TIMEOUT_SECONDS": str(settings.read_timeout_seconds),
        "SERENDIP_REQUEST_DEADLINE_SECONDS": "60",
        **({"SERENDIP_FILES": settings.files} if settings.files else {}),
    }


class Server:
    """A process that serves on 127.0.0.1."""

    def __init__(self, pid: int, port: int) -> None:
        self.process, self.base = psutil.Process(pid), f"http://127.0.0.1:{port}"
        self.socket = f"ws://127.0.0.1:{port}/v1/socket"


def serve(variables: Mapping[str, str], port: int, mode: str, output: str | None, workers: int) -> None:
    """Serves with these environment variables until the process is terminated; logs into the file `output`."""
    os.environ.clear()
    os.environ.update(variables)
    if output is not None:
        os.dup2(os.open(output, os.O_WRONLY), 1)
    launcher = ThreadLauncher() if mode == JOBS else IdleLauncher()
    wired = wire(Settings.from_environment(os.environ), launcher, oidc_client.fetch)
    if isinstance(launcher, ThreadLauncher):
        launcher.services = wired.services
    if mode in {LIVE, JOBS}:
        telemetry.configure()
        if workers > 1:
            plan = serving.Plan(workers=workers, port=port, environment=os.environ, assignment=Assignment())
            serving.serve(wired, plan, launcher, lambda: None)
        else:
            server.serve(wired, None, port)
        wired.close()
    else:
        application = create_application(wired.services) if mode == REST else server.with_sockets(wired)[0]
        server.listen(application, port, max_requests=wired.services.settings.max_requests)


@contextmanager
def started(serve: Callable[..., None], variables: Mapping[str, str], *more: object) -> Iterator[Server]:
    """Runs `serve(variables, port, *more)` in a process until the context ends, which begins when it responds."""
    port = dynamodb.free_port()
    process = PROCESSES.Process(target=serve, args=(variables, port, *more))
    process.start()
    assert process.pid is not None
    server = Server(process.pid, port)

    def is_up() -> bool:
        assert process.is_alive(), "the server has ended"
        try:
            return httpx2.get(f"{server.base}/health/live", timeout=5).is_success
        except httpx2.TransportError:
            return False

    try:
        until(is_up)
        yield server
    finally:
        process.terminate()
        process.join(60)
        assert not process.is_alive()


@contextmanager
def running(
    settings: Settings,
    project: str,
    more: Mapping[str, str] | None = None,
    mode: str = LIVE,
    output: str | None = None,
    workers: int = 1,
) -> Iterator[Server]:
    """Runs a server until the context ends; `output` is the file of its log, by default this process's output."""
    with started(serve, environment(settings, project) | dict(more or {}), mode, output, workers) as server:
        yield server


@contextmanager
def served(settings: Settings, project: str, more: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of REST alone."""
    with running(settings, project, more, REST) as server:
        yield server.base
