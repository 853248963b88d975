"""Serves on this machine under uvicorn: REST, live sockets and, unless other processes do, the stream of events."""

import asyncio
import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from socket import AF_INET, AF_INET6, create_server, socket
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
from app.entry.errors import SetupError
from app.entry.local.files import LocalFiles
from app.entry.local.overload.protocol import GatedProtocol
from app.entry.local.overload.rooms import MOST_CONNECTIONS, Rooms
from app.entry.local.processes import background
from app.entry.local.request_lines import RequestLines
from app.entry.local.sign_in import SignIn, add_route
from app.entry.local.sockets import LocalSockets
from app.errors import WorkerUnavailable
from app.recommender import rules
from app.recommender.rules import Kind
from app.services.jobs import Jobs
from app.storage.objects import FolderFileStore
from app.wiring import Wired

LOOPBACK = "127.0.0.1"
ACCEPTED_AT_ONCE = 16
"""Connections in one turn of the event loop, in which it also reads requests: health checks come on new ones."""
SWITCH_SECONDS = 0.0001
"""How long other threads may keep the event loop waiting, which refuses requests and answers health checks."""
COLLECTIONS = 10_000, 20, 50
"""Thresholds of garbage collections: a full one stops everything for hundreds of milliseconds."""
LOOK_SECONDS = 1.0


def _ignore() -> None: ...


class Server(uvicorn.Server):
    """Calls `ready` once it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready, self._is_stopping = ready, asyncio.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            settle()
            self._ready()

    async def main_loop(self) -> None:
        """Renews the Date header once a second; uvicorn looks ten times a second whether to stop."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_stopping.wait(), LOOK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops at once, as signals ask."""
        super().handle_exit(sig, frame)
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._is_stopping.set)


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
    """Serves everything from this process until it is stopped.

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
    exchange = sign_in.exchange if sign_in is not None else None
    application, sockets = assembled(wired, provider, exchange, with_request_lines=with_request_lines)
    with background.running(wired, sockets.api, start_waiting):
        listen(application, port, ready, host, wired.services.settings.max_requests)


def assembled(
    wired: Wired,
    provider: TracerProvider | None,
    exchange: Callable[[bytes], str] | None = None,
    name: str = "",
    *,
    with_request_lines: bool = False,
) -> tuple[ASGIApp, LocalSockets]:
    """Everything that a process of a server answers, and its live sockets.

    Args:
        wired: the services.
        provider: where spans go.
        exchange: returns the key for the code of a one-time link of the console.
        name: the name of this process, if there are others.
        with_request_lines: whether to print a line for each request.
    """
    wired.services.access.prepare()
    application, sockets = with_sockets(wired, provider, name)
    if exchange is not None:
        add_route(application, exchange)
    served = _with_files(application, wired.services.jobs)
    return RequestLines(served) if with_request_lines else served, sockets


def _with_files(application: ASGIApp, jobs: Jobs) -> ASGIApp:
    """Adds the URLs of local files; a bucket serves its own."""
    with suppress(WorkerUnavailable):  # this deployment stores no files
        if isinstance(jobs.objects, FolderFileStore):
            return LocalFiles(application, jobs.objects)
    return application


def with_sockets(wired: Wired, provider: TracerProvider | None = None, name: str = "") -> tuple[FastAPI, LocalSockets]:
    """The application and its live sockets; `name` is that of this process, if there are others."""
    application, sockets = create_application(wired.services, provider), LocalSockets(wired.services, name)
    sockets.add_to(application)
    return application, sockets


def listen(
    application: ASGIApp,
    port: int,
    ready: Callable[[], None] = _ignore,
    host: str = LOOPBACK,
    max_requests: int = MAX_REQUESTS,
) -> None:
    """Serves until it is stopped. Raises SetupError if the port is taken."""
    run(Server(configured(application, Rooms(max_requests)), ready), listeners(host, port))


def listeners(host: str, port: int) -> list[socket]:
    """Listens, and returns the socket several times: uvloop accepts a connection a turn for each. Raises SetupError."""
    listener = listening(host, port)
    return [listener, *(listener.dup() for _ in range(1, ACCEPTED_AT_ONCE))]


def listening(host: str, port: int) -> socket:
    """Listens, and returns the socket. Raises SetupError if the port is taken."""
    try:
        return create_server((host, port), family=AF_INET6 if ":" in host else AF_INET, backlog=MOST_CONNECTIONS)
    except OSError as error:
        raise SetupError(f"Port {port} of {host} cannot be listened on: {error.strerror}.") from error


def settle() -> None:
    """Prepares this process for serving, once everything is loaded; the first rule would load its language."""
    rules.compiled(Kind.FILTER, "true")
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(*COLLECTIONS)


def run(server: Server, sockets: list[socket]) -> None:
    """Serves the connections of listening sockets, and closes these."""
    with suppress(KeyboardInterrupt):  # uvicorn raises it again after an orderly shutdown
        server.run(sockets)


def configured(application: ASGIApp, rooms: Rooms | None = None) -> uvicorn.Config:
    """How to serve."""
    protocol: Any = partial(GatedProtocol, rooms=rooms or Rooms(MAX_REQUESTS))
    return uvicorn.Config(
        application,
        log_level="warning",
        lifespan="off",
        backlog=MOST_CONNECTIONS,
        http=protocol,
        ws=_WebSocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
    )
