"""A worker of a server: answers the requests of connections that another process accepts, until that process ends."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread

import uvicorn
from opentelemetry.trace import TracerProvider

from app import telemetry
from app.config import Settings
from app.domain.jobs import Job
from app.entry import oidc_client, tracing
from app.entry.local import disk, request_lines, server, shared_emulator
from app.entry.local.overload.rooms import Rooms
from app.entry.local.processes.channel import Caller, Ended, Silent, answer
from app.entry.local.processes.process import ANSWER_SECONDS, HANDED, Assignment, Wires
from app.errors import Unavailable, WorkerUnavailable
from app.storage.connection import unexplained
from app.wiring import Wired, wire

GONE = "The first process of this server does not answer."


class WorkerServer(server.Server):
    """Serves the connections that arrive at a door, and stops once the door is closed from the other side."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], door: socket.socket) -> None:
        super().__init__(config, ready)
        self._door = door
        self._opening: set[asyncio.Task[object]] = set()
        self.is_abandoned = False
        """Whether the process that hands connections over has ended."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._door.setblocking(False)
        asyncio.get_running_loop().add_reader(self._door, self._receive)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().remove_reader(self._door)
        await super().shutdown(sockets)

    def check(self) -> None:
        """Returns once the event loop has had a turn."""
        turn = Event()
        if self.loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and so does this process
                self.loop.call_soon_threadsafe(turn.set)
                turn.wait()

    def _receive(self) -> None:
        for _ in range(server.ACCEPTED_AT_ONCE):
            try:
                received, descriptors, _, _ = socket.recv_fds(self._door, len(HANDED), 1)
            except BlockingIOError:
                return
            if not received:
                self.is_abandoned = True
                asyncio.get_running_loop().remove_reader(self._door)
                self.handle_exit(signal.SIGTERM, None)
                return
            for descriptor in descriptors:
                opening = asyncio.create_task(self._open(socket.socket(fileno=descriptor)))
                self._opening.add(opening)
                opening.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        create = self.config.http_protocol_class
        return create(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)  # type: ignore[call-arg] # as uvicorn does


class _Launcher:
    """Lets the process that this worker belongs to start jobs."""

    def __init__(self, main: Caller) -> None:
        self._main = main

    def launch(self, project: str, job: Job) -> None:
        """Raises WorkerUnavailable."""
        log = telemetry.current()
        try:
            self._main.call("launch", project, job, (log.request_id, log.trace_id, log.span_id, log.trace_flags))
        except (Ended, Silent) as error:
            raise WorkerUnavailable(GONE) from error


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    assignment, wires = Assignment(**json.loads(sys.argv[1])), Wires(**json.loads(sys.argv[2]))
    with suppress(KeyboardInterrupt):
        is_abandoned = _serve(assignment, wires)
        if is_abandoned and assignment.owns_database:
            assert assignment.folder is not None  # noqa: S101 - its database is in one
            shared_emulator.stop_abandoned(Path(assignment.folder))


def _serve(assignment: Assignment, wires: Wires) -> bool:
    """Serves until it is stopped; returns whether that is because the other process has ended."""
    if assignment.with_request_lines:
        request_lines.print_failures()
    else:
        telemetry.configure()
    settings, asks = Settings.from_environment(os.environ), Caller(Connection(wires.asks), ANSWER_SECONDS)
    explain = unexplained if assignment.folder is None else partial(disk.full, Path(assignment.folder))
    provider = tracing.provider(settings)
    wired = wire(settings, _Launcher(asks), oidc_client.fetch, tracing.tracer(provider), explain=explain)
    wired.database.on_write = partial(_note_write, wires.writes)
    try:
        worker = _server(assignment, wires, wired, asks, provider)
        server.run(worker, [])
    finally:
        wired.close()
    return worker.is_abandoned


def _server(
    assignment: Assignment, wires: Wires, wired: Wired, asks: Caller, provider: TracerProvider | None
) -> WorkerServer:
    application, sockets = server.assembled(
        wired,
        provider,
        partial(_exchange, asks) if assignment.has_sign_in else None,
        wires.name,
        with_request_lines=assignment.with_request_lines,
    )
    rooms = Rooms(wired.services.settings.max_requests, assignment.most_connections)
    config = server.configured(application, rooms)
    worker = WorkerServer(config, partial(_ready, asks), socket.socket(fileno=wires.door))
    methods = {"post": sockets.pusher.post, "close": sockets.pusher.close, "check": worker.check}
    Thread(target=answer, args=(Connection(wires.answers), methods), name="answers", daemon=True).start()
    return worker


def _ready(main: Caller) -> None:
    with suppress(Ended):  # the door says so too
        main.call("ready")


def _exchange(main: Caller, code: bytes) -> str:
    """Raises Forbidden, or Unavailable if the other process does not answer."""
    try:
        return str(main.call("exchange", code))
    except (Ended, Silent) as error:
        raise Unavailable(GONE) from error


def _note_write(writes: int) -> None:
    with suppress(BlockingIOError, BrokenPipeError):  # there are notes enough, or no reader
        os.write(writes, b"w")


if __name__ == "__main__":
    main()
