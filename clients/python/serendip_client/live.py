"""Lists of a user or session that follow each event, over a WebSocket."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack
from urllib.parse import urlencode

import httpx2
from websockets.asyncio.client import ClientConnection as AsyncConnection
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosedOK, WebSocketException
from websockets.sync.client import ClientConnection, connect

from serendip_client.errors import SerendipError
from serendip_client.models import RecommendationListView, TicketView
from serendip_client.retries import doubled

if TYPE_CHECKING:
    from serendip_client.client import AsyncSerendip, Serendip

PING = '{"action": "ping"}'
PING_SECONDS = 300
"""API Gateway closes sockets that are silent for ten minutes."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 30.0
TOO_MANY_REQUESTS = 429
LOST = (httpx2.TransportError, WebSocketException, OSError, TimeoutError)
"""Errors of a connection after which another one is opened."""
logger = logging.getLogger("serendip_client")

OnError = Callable[[Exception], None]


class Watched(TypedDict, total=False):
    """The list to watch: of a user or a session, unless the credentials are of one."""

    user_id: str
    session_id: str
    limit: int
    scenario: str
    properties: bool
    """Whether items come with their categories and properties."""


class LiveList(RecommendationListView):
    """A list that was pushed."""

    user_id: str | None = None
    session_id: str | None = None
    trimmed: bool = False
    """Whether reasons or properties did not fit into a frame."""


def log_lost(error: Exception) -> None:
    logger.warning("A live list is connected again after: %s", error)


class LiveLists:
    """Yields a list now, and again whenever it changes after an event: `for list in LiveLists(client, user_id="ann")`.

    A connection that ends is replaced, and its list comes again. Close it, from any thread, or use it in a `with`
    statement; that ends the iteration.

    Args:
        client: opens each connection with a ticket.
        on_error: gets the errors after which it connects again; by default they are logged.

    Iterating raises SerendipError if the server refuses the list (4xx but 429).
    """

    def __init__(self, client: Serendip, *, on_error: OnError = log_lost, **watched: Unpack[Watched]) -> None:
        self._client, self._on_error, self._watched = client, on_error, watched
        self._closing = threading.Event()
        self._socket: ClientConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closing.set()
        if self._socket is not None:
            self._socket.close()

    def __iter__(self) -> Iterator[LiveList]:
        failures = 0
        while not self._closing.is_set():
            try:
                for live in self._connection():
                    failures = 0
                    yield live
            except (SerendipError, *LOST) as error:
                if self._closing.is_set():
                    return
                report(error, self._on_error)
            self._closing.wait(wait_seconds(failures))
            failures += 1

    def _connection(self) -> Iterator[LiveList]:
        """Yields the lists of one connection until it is closed."""
        ticket = self._client.create_ticket(owner(self._watched))
        with connect(address(ticket, self._client.base_url)) as socket:
            self._socket = socket
            socket.send(subscription(self._watched))
            while not self._closing.is_set():
                try:
                    frame = socket.recv(timeout=PING_SECONDS)
                except TimeoutError:
                    socket.send(PING)
                except ConnectionClosedOK:
                    return
                else:
                    yield from lists_in(frame)


class AsyncLiveLists:
    """The same for asyncio: `async for list in AsyncLiveLists(client, user_id="ann")`; see `LiveLists`."""

    def __init__(self, client: AsyncSerendip, *, on_error: OnError = log_lost, **watched: Unpack[Watched]) -> None:
        self._client, self._on_error, self._watched = client, on_error, watched
        self._closing = asyncio.Event()
        self._socket: AsyncConnection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        self._closing.set()
        if self._socket is not None:
            await self._socket.close()

    async def __aiter__(self) -> AsyncIterator[LiveList]:
        failures = 0
        while not self._closing.is_set():
            try:
                async for live in self._connection():
                    failures = 0
                    yield live
            except (SerendipError, *LOST) as error:
                if self._closing.is_set():
                    return
                report(error, self._on_error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), wait_seconds(failures))
            failures += 1

    async def _connection(self) -> AsyncIterator[LiveList]:
        ticket = await self._client.create_ticket(owner(self._watched))
        async with connect_async(address(ticket, self._client.base_url)) as socket:
            self._socket = socket
            await socket.send(subscription(self._watched))
            while not self._closing.is_set():
                try:
                    async with asyncio.timeout(PING_SECONDS):
                        frame = await socket.recv()
                except TimeoutError:
                    await socket.send(PING)
                except ConnectionClosedOK:
                    return
                else:
                    for live in lists_in(frame):
                        yield live


def owner(watched: Watched) -> dict[str, str]:
    """Returns the body of a request for a ticket."""
    return {name: watched[name] for name in ("user_id", "session_id") if name in watched}


def address(ticket: TicketView, base_url: str) -> str:
    """Returns the URL that opens a socket with a ticket."""
    base = ticket.socket_url or f"{base_url.rstrip('/')}/v1/socket"
    return f"{re.sub('^http', 'ws', base)}?{urlencode({'ticket': ticket.ticket})}"


def subscription(watched: Watched) -> str:
    return json.dumps({"action": "subscribe", **watched})


def lists_in(frame: str | bytes) -> Iterator[LiveList]:
    """Yields the list of a frame, if it has one.

    Raises:
        SerendipError: the frame is an error.
    """
    content: Mapping[str, Any] = json.loads(frame)
    if content["action"] == "error":
        headers = {"Retry-After": str(content["retry_after"])} if "retry_after" in content else {}
        raise SerendipError(httpx2.Response(content["status"], json=content, headers=headers))
    if content["action"] == "recommendations":
        yield LiveList.model_validate(content)


def report(error: Exception, on_error: OnError) -> None:
    """Passes an error on; raises it if another connection would be refused as well."""
    if isinstance(error, SerendipError) and 400 <= error.status < 500 and error.status != TOO_MANY_REQUESTS:  # noqa: PLR2004
        raise error
    on_error(error)


def wait_seconds(failures: int) -> float:
    """Returns the wait before the next connection, after so many without a list."""
    return random.uniform(0, doubled(FIRST_WAIT_SECONDS, failures, LONGEST_WAIT_SECONDS))  # noqa: S311 - jitter
