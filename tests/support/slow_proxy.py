"""A TCP proxy in front of the database that hangs, delays, drips, cuts, refuses, and counts calls."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from threading import Event, Thread

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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_started, self._stop = Event(), asyncio.Event()
        self._thread = Thread(target=lambda: asyncio.run(self._serve()))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        self._thread.start()
        self._has_started.wait()
        try:
            yield self
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends all connections; whoever connects from now on is refused."""
        if self._thread.is_alive():
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        self.fault = fault
        try:
            yield
        finally:
            self.fault = Fault.NONE

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._loop, self.port = asyncio.get_running_loop(), int(server.sockets[0].getsockname()[1])
        self._has_started.set()
        await self._stop.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transports = [writer.transport]
        try:
            if self.fault is Fault.DEAD:
                return
            upstream, downstream = await asyncio.open_connection("127.0.0.1", self._target)
            transports.append(downstream.transport)
            await asyncio.gather(self._forward(reader, downstream), self._answer(upstream, writer))
        except (OSError, asyncio.CancelledError):  # either side is dead, or this proxy ends
            return
        finally:
            for transport in transports:
                transport.abort()

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
                    if writer.is_closing():
                        return
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
