"""One process that does all: REST, live sockets and the stream of events, under uvicorn on this machine."""

import uvicorn
from fastapi import FastAPI
from opentelemetry.trace import TracerProvider

from app.api.application import create_application
from app.api.frames import MAX_MESSAGE_BYTES
from app.entry.follower import Follower
from app.entry.sockets import LocalSockets
from app.entry.stream import Consumer
from app.storage.checkpoints import Checkpoints
from app.wiring import Wired


def serve(wired: Wired, provider: TracerProvider | None, port: int) -> None:
    """Serve on 127.0.0.1 until the process is told to stop."""
    services = wired.services
    application, sockets = with_sockets(wired, provider)
    follower = Follower(services.settings, Checkpoints(wired.database), Consumer(services, sockets.api), services.lists)
    follower.start()
    try:
        listen(application, port)
    finally:
        follower.stop()


def with_sockets(wired: Wired, provider: TracerProvider | None = None) -> tuple[FastAPI, LocalSockets]:
    """The application, and the sockets that it serves."""
    application, sockets = create_application(wired.services, provider), LocalSockets(wired.services)
    sockets.add_to(application)
    return application, sockets


def listen(application: FastAPI, port: int) -> None:
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
    )
