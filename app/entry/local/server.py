"""One process that does all: REST, live sockets and the stream of events, under uvicorn on this machine."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from socket import socket

import uvicorn
from fastapi import FastAPI
from opentelemetry.trace import TracerProvider
from starlette.types import ASGIApp

from app.api.application import create_application
from app.api.sockets.frames import MAX_MESSAGE_BYTES
from app.entry.local.files import LocalFiles
from app.entry.local.sockets import LocalSockets
from app.entry.local.stream_follower import Follower
from app.entry.schedule import tick
from app.entry.stream import Consumer
from app.errors import WorkerUnavailable
from app.services.jobs import Jobs
from app.storage.checkpoints import CheckpointStore
from app.storage.objects import FolderFileStore
from app.wiring import Wired


def _unheard() -> None:
    """Nobody waits for it."""


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def serve(wired: Wired, provider: TracerProvider | None, port: int, ready: Callable[[], None] = _unheard) -> None:
    """Serve on 127.0.0.1 until the process is told to stop; `ready` is called as soon as it listens."""
    services = wired.services
    application, sockets = with_sockets(wired, provider)
    consumer = Consumer(services, sockets.api)
    follower = Follower(services.settings, CheckpointStore(wired.database), consumer, partial(tick, services))
    follower.start()
    try:
        listen(_with_files(application, services.jobs), port, ready)
    finally:
        follower.stop()


def _with_files(application: ASGIApp, jobs: Jobs) -> ASGIApp:
    """A bucket answers its URLs by itself."""
    with suppress(WorkerUnavailable):  # there is no place for files
        if isinstance(jobs.objects, FolderFileStore):
            return LocalFiles(application, jobs.objects)
    return application


def with_sockets(wired: Wired, provider: TracerProvider | None = None) -> tuple[FastAPI, LocalSockets]:
    """The application, and the sockets that it serves."""
    application, sockets = create_application(wired.services, provider), LocalSockets(wired.services)
    sockets.add_to(application)
    return application, sockets


def listen(application: ASGIApp, port: int, ready: Callable[[], None] = _unheard) -> None:
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
    )
    with suppress(KeyboardInterrupt):  # raised again after everything was ended in order
        _Server(config, ready).run()
