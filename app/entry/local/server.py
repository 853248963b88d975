"""Serves everything from one process on this machine: REST, live sockets and the stream of events, under uvicorn."""

import asyncio
import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from socket import socket
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from opentelemetry.trace import TracerProvider
from starlette.types import ASGIApp
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.api.application import create_application
from app.api.sockets.frames import MAX_MESSAGE_BYTES
from app.config import MAX_REQUESTS
from app.entry.local.files import LocalFiles
from app.entry.local.overload.protocol import GatedProtocol
from app.entry.local.overload.rooms import MOST_CONNECTIONS, Rooms
from app.entry.local.request_lines import RequestLines
from app.entry.local.sign_in import SignIn
from app.entry.local.sockets import LocalSockets
from app.entry.local.stream_follower import Follower, Pace
from app.entry.schedule import continue_deletions, pack_catalogs, tick
from app.entry.stream import Consumer
from app.errors import Unavailable, WorkerUnavailable
from app.heartbeat import beating
from app.services.jobs import Jobs
from app.storage.checkpoints import CheckpointStore
from app.storage.objects import FolderFileStore
from app.wiring import Wired

LOOPBACK = "127.0.0.1"
SWITCH_SECONDS = 0.0005
"""How long other threads may keep the event loop waiting, which refuses requests and answers health checks."""
COLLECTIONS = 10_000, 20, 50
"""Thresholds of garbage collections: a full one stops everything for hundreds of milliseconds."""
LOOK_SECONDS = 1.0
DELETIONS_SECONDS = 5.0
"""Time between two looks for projects whose deletion is unfinished."""
PACKING_SECONDS = 300.0
"""Time between two looks for catalogs to pack."""


def _ignore() -> None: ...


class _Server(uvicorn.Server):
    """Calls `ready` once it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready, self._is_stopping = ready, asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            gc.freeze()
            gc.set_threshold(*COLLECTIONS)
            self._ready()

    async def main_loop(self) -> None:
        """Renews the Date header once a second; uvicorn looks ten times a second whether to stop."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_stopping.wait(), LOOK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops at once, as signals ask."""
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._is_stopping.set)


class _WebSocketProtocol(WebSocketsSansIOProtocol):
    """Completes a handshake that is refused; uvicorn logs it as an error (github.com/Kludex/uvicorn/pull/3138)."""

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and self.close_sent:
            self.handshake_complete = True


def serve(
    wired: Wired,
    provider: TracerProvider | None,
    port: int,
    ready: Callable[[], None] = _ignore,
    start_waiting: Callable[[], bool] = bool,
    sign_in: SignIn | None = None,
    *,
    host: str = LOOPBACK,
    with_request_lines: bool = False,
) -> None:
    """Serves until the process is stopped.

    Args:
        wired: the services.
        provider: where spans go.
        port: the port to listen on.
        ready: called once the server listens.
        start_waiting: starts jobs that wait; returns whether there are more.
        sign_in: the one-time links of the console.
        host: the address to listen on.
        with_request_lines: whether to print a line for each request.
    """
    services = wired.services
    services.access.prepare()
    application, sockets = with_sockets(wired, provider)
    consumer = Consumer(services, sockets.api)
    if sign_in is not None:
        sign_in.add_to(application)

    pace = Pace()

    def periodic() -> None:
        if start_waiting():
            pace.wake()
        tick(services)

    def of_deletions() -> None:
        if not pace.is_calm:  # each step of a deletion writes
            continue_deletions(services)

    def of_catalogs() -> None:
        pack_catalogs(services)

    follower = Follower(services.settings, CheckpointStore(wired.database), consumer, periodic, pace)
    wired.database.on_write = pace.wake
    follower.start()
    try:
        served = _with_files(application, services.jobs)
        with (
            beating(of_deletions, DELETIONS_SECONDS, Unavailable),
            beating(of_catalogs, PACKING_SECONDS, Unavailable),
        ):
            logged = RequestLines(served) if with_request_lines else served
            listen(logged, port, ready, host, services.settings.max_requests)
    finally:
        follower.stop()


def _with_files(application: ASGIApp, jobs: Jobs) -> ASGIApp:
    """Adds the URLs of local files; a bucket serves its own."""
    with suppress(WorkerUnavailable):  # this deployment stores no files
        if isinstance(jobs.objects, FolderFileStore):
            return LocalFiles(application, jobs.objects)
    return application


def with_sockets(wired: Wired, provider: TracerProvider | None = None) -> tuple[FastAPI, LocalSockets]:
    """The application and its live sockets."""
    application, sockets = create_application(wired.services, provider), LocalSockets(wired.services)
    sockets.add_to(application)
    return application, sockets


def listen(
    application: ASGIApp,
    port: int,
    ready: Callable[[], None] = _ignore,
    host: str = LOOPBACK,
    max_requests: int = MAX_REQUESTS,
) -> None:
    sys.setswitchinterval(SWITCH_SECONDS)
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after an orderly shutdown
        _Server(configured(application, port, host, Rooms(max_requests)), ready).run()


def configured(application: ASGIApp, port: int, host: str = LOOPBACK, rooms: Rooms | None = None) -> uvicorn.Config:
    protocol: Any = partial(GatedProtocol, rooms=rooms or Rooms(MAX_REQUESTS))
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        log_level="warning",
        lifespan="off",
        backlog=MOST_CONNECTIONS,
        http=protocol,
        ws=_WebSocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
    )
