"""The application in a separate process on a real socket: `python -m tests.support.server_process PORT MODE`."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2
import psutil

from app import telemetry
from app.api.application import create_application
from app.config import Settings
from app.entry import oidc_client
from app.entry.local import dynamodb, server
from app.wiring import wire
from tests.support.builders import SECRET, IdleLauncher, until
from tests.support.datasets import ROOT

REST, SOCKETS, LIVE = "rest", "sockets", "live"
"""Modes: without live sockets, with them but without the stream, and all as `make run` serves."""


def environment(settings: Settings, project: str) -> dict[str, str]:
    return {
        **os.environ,
        "SERENDIP_SECRET": SECRET.get_secret_value(),
        "SERENDIP_ENDPOINT": str(settings.endpoint),
        "SERENDIP_TABLE_PREFIX": settings.table_prefix,
        "SERENDIP_PROJECT": project,
        "SERENDIP_LISTS_SECONDS": "0.5",
        "SERENDIP_READ_TIMEOUT_SECONDS": str(settings.read_timeout_seconds),
        **({"SERENDIP_FILES": settings.files} if settings.files else {}),
    }


class Server:
    """A process that serves on 127.0.0.1."""

    def __init__(self, process: psutil.Popen, port: int) -> None:
        self.process, self.base = process, f"http://127.0.0.1:{port}"
        self.socket = f"ws://127.0.0.1:{port}/v1/socket"


@contextmanager
def running(
    settings: Settings,
    project: str,
    more: Mapping[str, str] | None = None,
    mode: str = LIVE,
    output: int | None = None,
) -> Iterator[Server]:
    """Runs a server until the context ends; `output` is where its log goes, by default to this process's output."""
    port = dynamodb.free_port()
    process = psutil.Popen(
        [sys.executable, "-m", "tests.support.server_process", str(port), mode],
        env=environment(settings, project) | dict(more or {}),
        cwd=ROOT,
        stdout=output,
    )
    server = Server(process, port)

    def is_up() -> bool:
        assert process.poll() is None, "the server has ended"
        try:
            return httpx2.get(f"{server.base}/health/live", timeout=1).is_success
        except httpx2.TransportError:
            return False

    try:
        until(is_up)
        yield server
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def served(settings: Settings, project: str, more: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of REST alone."""
    with running(settings, project, more, REST) as server:
        yield server.base


if __name__ == "__main__":
    wired = wire(Settings.from_environment(os.environ), IdleLauncher(), oidc_client.fetch)
    port, mode = int(sys.argv[1]), sys.argv[2]
    if mode == LIVE:
        telemetry.configure()
        server.serve(wired, None, port)
    else:
        application = create_application(wired.services) if mode == REST else server.with_sockets(wired)[0]
        server.listen(application, port)
