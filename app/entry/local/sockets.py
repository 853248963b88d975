"""Live sockets of this process under uvicorn, in place of API Gateway's WebSocket API."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from secrets import token_urlsafe
from threading import Lock

from anyio.to_thread import run_sync
from fastapi import FastAPI
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from app.api.http import problems
from app.api.sockets.frames import MAX_FRAME_BYTES
from app.api.sockets.handshake import Handshake
from app.api.sockets.push import Gone, TooLarge
from app.api.sockets.session import SocketApi
from app.errors import SerendipError
from app.services.bundle import Services
from app.services.sockets import until_farewell

PATH = "/v1/socket"
WAITING_FRAMES = 100
"""A client with more waiting frames is disconnected; it can resume with its last token."""
GOING_AWAY, TRY_AGAIN_LATER = 1001, 1013
SEPARATOR = "-"


class _Outbox:
    """A queue of frames for one socket, filled from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._frames: asyncio.Queue[bytes | int] = asyncio.Queue()

    def put(self, frame: bytes | int) -> None:
        self._loop.call_soon_threadsafe(self._put, frame)

    def _put(self, frame: bytes | int) -> None:
        overflows = self._frames.qsize() >= WAITING_FRAMES
        self._frames.put_nowait(TRY_AGAIN_LATER if overflows else frame)

    async def send_to(self, socket: WebSocket) -> None:
        """Sends frames until a close code comes, then closes the socket."""
        while isinstance(frame := await self._frames.get(), bytes):
            await socket.send_text(frame.decode())
        await socket.close(frame)


class LocalPusher:
    """Posts frames to the sockets of this process."""

    def __init__(self, name: str = "") -> None:
        """`name` is that of this process, if there are others; ids of connections begin with it."""
        self._prefix = name and name + SEPARATOR
        self._outboxes: dict[str, _Outbox] = {}
        self._lock = Lock()

    def post(self, connection_id: str, frame: bytes) -> None:
        """Raises Gone or TooLarge."""
        if len(frame) > MAX_FRAME_BYTES:
            raise TooLarge
        with self._lock:
            outbox = self._outboxes.get(connection_id)
        if outbox is None:
            raise Gone
        outbox.put(frame)

    def close(self, connection_id: str) -> None:
        with self._lock:
            outbox = self._outboxes.get(connection_id)
        if outbox is not None:
            outbox.put(GOING_AWAY)

    def new_id(self) -> str:
        """Returns the id of a new connection, which no connection of another process has."""
        return self._prefix + token_urlsafe(12)

    @contextmanager
    def holding(self, connection_id: str) -> Iterator[_Outbox]:
        """The outbox of a connection while it is open."""
        outbox = _Outbox()
        with self._lock:
            self._outboxes[connection_id] = outbox
        try:
            yield outbox
        finally:
            with self._lock:
                del self._outboxes[connection_id]


class LocalSockets:
    """The WebSocket route and its open connections."""

    def __init__(self, services: Services, name: str = "") -> None:
        self.pusher = LocalPusher(name)
        self.api = SocketApi(services, self.pusher)
        self._until_farewell = until_farewell(timedelta(seconds=services.settings.connection_seconds))

    def add_to(self, app: FastAPI) -> None:
        app.router.routes.append(WebSocketRoute(PATH, self._serve))

    async def _serve(self, socket: WebSocket) -> None:
        connection_id = self.pusher.new_id()
        handshake = Handshake(dict(socket.headers), socket.query_params.get("ticket"))
        with self.pusher.holding(connection_id) as outbox:
            try:
                protocol = await run_sync(self.api.connect, connection_id, handshake)
            except SerendipError as error:
                await socket.send_denial_response(problems.of(error, connection_id))
                return
            try:
                await socket.accept(protocol)
                await self._talk(socket, connection_id, outbox)
            finally:
                await run_sync(self.api.disconnect, connection_id)

    async def _talk(self, socket: WebSocket, connection_id: str, outbox: _Outbox) -> None:
        """Exchanges frames until one side closes, or the connection's time is up."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._until_farewell.total_seconds(), self._leave, loop, connection_id)
        sending = asyncio.create_task(outbox.send_to(socket))
        receiving = asyncio.create_task(self._receive(socket, connection_id))
        _, pending = await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        for task in pending:
            task.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)

    async def _receive(self, socket: WebSocket, connection_id: str) -> None:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            await run_sync(self.api.receive, connection_id, message.get("text") or message.get("bytes") or "")

    def _leave(self, loop: asyncio.AbstractEventLoop, connection_id: str) -> None:
        loop.run_in_executor(None, self.api.say_goodbye, connection_id)
