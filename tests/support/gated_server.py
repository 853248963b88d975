"""A server with given limits, in this process and on a real socket, and connections that send whatever a test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import uvicorn
from starlette.types import ASGIApp

from app.entry.local import server
from app.entry.local.overload.rooms import Rooms


@asynccontextmanager
async def started(application: ASGIApp, rooms: Rooms | None = None) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """A server, which ends with the context, and its port."""
    sockets = server.listeners(server.LOOPBACK, 0)
    running = uvicorn.Server(server.configured(application, rooms))
    serving = asyncio.create_task(running.serve(sockets))
    while not running.started:  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0.01)
    yield running, sockets[0].getsockname()[1]
    running.should_exit = True
    await serving


@asynccontextmanager
async def served(application: ASGIApp, rooms: Rooms | None = None) -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=500)
    async with (
        started(application, rooms) as (_, port),
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits) as client,
    ):
        yield client


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self._writer = reader, writer

    async def send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Returns status and body of the next response."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        return int(head[9:12]), await self.reader.readexactly(int(length or 0))

    async def status(self) -> int:
        return (await self.answer())[0]

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()
