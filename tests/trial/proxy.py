"""A TCP proxy in front of the database that hangs, delays, drips, cuts, refuses, and counts calls."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from threading import Thread

SLOW_SECONDS, DRIP_SECONDS = 0.4, 0.05
CUT_BYTES = 20
CHUNK_BYTES = 65_536
CALL = b"x-amz-target: dynamodb_"


class Fault(Enum):
    NONE = "works"
    HANGS = "hangs"
    SLOW = f"answers {SLOW_SECONDS} s late"
    DRIPS = f"answers a byte each {DRIP_SECONDS} s"
    CUTS = f"ends each connection after {CUT_BYTES} bytes"
    DEAD = "closes each connection at once"


class Proxy:
    """Forwards to a port of 127.0.0.1."""

    def __init__(self, target: int) -> None:
        self.fault, self.calls, self.port = Fault.NONE, 0, 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        self.fault = fault
        try:
            yield
        finally:
            self.fault = Fault.NONE

    async def _listen(self) -> int:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault is Fault.DEAD:
            writer.transport.abort()
            return
        try:
            upstream, downstream = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the database is dead
            writer.transport.abort()
            return
        with suppress(OSError):
            await asyncio.gather(self._forward(reader, downstream), self._answer(upstream, writer))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            self.calls += chunk.lower().count(CALL)
            await self._while_hanging()  # what it has received takes effect later
            if self.fault is Fault.DEAD:
                break
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._while_hanging()
            if self.fault is Fault.SLOW:
                await asyncio.sleep(SLOW_SECONDS)
            elif self.fault is Fault.DEAD:
                break
            elif self.fault is Fault.CUTS:
                writer.write(chunk[:CUT_BYTES])
                break
            elif self.fault is Fault.DRIPS:
                for start in range(len(chunk)):
                    writer.write(chunk[start : start + 1])
                    if self.fault is Fault.DRIPS:
                        await asyncio.sleep(DRIP_SECONDS)
                continue
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def _while_hanging(self) -> None:
        while self.fault is Fault.HANGS:  # noqa: ASYNC110 - the fault is set by another thread
            await asyncio.sleep(0.05)
