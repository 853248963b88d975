"""An MCP server over the API, by which assistants read a project: `serendip-mcp`, or `serendip mcp`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import httpx2
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel

from serendip_client.client import AsyncSerendip
from serendip_client.errors import SerendipError
from serendip_client.mcp_tools import Tools

if TYPE_CHECKING:
    from collections.abc import Mapping

    from serendip_client.calls import Body

LOCAL = "http://127.0.0.1:8000"
READING = {"recommend", "rules", "read:all"}
"""The scopes that an assistant may have; a newer server may have others that change data."""
HOW_TO = "Create one with `serendip keys create assistant --scope read:all`, and set SERENDIP_API_KEY to it."
INSTRUCTIONS = (
    "Reads a project of Serendip, which recommends items to users, and changes nothing. Ids come from search_items, "
    "user_events and recent_events. The `share` of a reason is its exact part of a recommendation's score."
)
READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)
MOST_BYTES = 60_000
CHECK_SECONDS = 5
UNAUTHENTICATED = 401

P = ParamSpec("P")
AnswerT = TypeVar("AnswerT", bound=BaseModel)


class Unusable(Exception):
    """The key cannot be used; the message says what to do."""


class Reader(AsyncSerendip):
    """A client that sends nothing else before the server has said that its key only reads."""

    _may_send = False

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: Body | None = None,
    ) -> httpx2.Response:
        if not self._may_send:
            await self.check()
        return await super().request(method, path, query=query, headers=headers, body=body)

    async def check(self) -> None:
        """Checks the key.

        Raises:
            Unusable: the server refuses it, or lets it change data.
            SerendipError: the server cannot check it now.
            httpx2.TransportError: the server cannot be reached.
        """
        try:
            response = await super().request("GET", "/v1/principal")
        except SerendipError as error:
            if error.status == UNAUTHENTICATED:
                raise Unusable(f"The server refuses the key: {error.detail} {HOW_TO}") from error
            raise
        changing = sorted(set(response.json()["scopes"]) - READING)
        if changing:
            raise Unusable(
                f"An assistant must not have a key that can change data; this one has {', '.join(changing)}. {HOW_TO}"
            )
        self._may_send = True


def main() -> None:
    try:
        run(os.environ.get("SERENDIP_URL") or LOCAL, os.environ.get("SERENDIP_API_KEY"))
    except Unusable as error:
        sys.exit(str(error))


def run(url: str, api_key: str | None) -> None:
    """Serves a client over standard input and output until it closes them.

    Raises:
        Unusable: there is no key, or it may do more than read. A server that cannot be reached does not matter yet.
    """
    if not api_key:
        raise Unusable(f"The MCP server needs a key that only reads. {HOW_TO}")
    asyncio.run(_serve(url, api_key))


async def _serve(url: str, api_key: str) -> None:
    async with Reader(url, api_key) as client:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await client.check()
        except (SerendipError, httpx2.TransportError, TimeoutError) as error:
            sys.stderr.write(f"Serendip at {url} is not available yet: {error}\n")
        for ending in (signal.SIGINT, signal.SIGTERM):  # nothing else ends a thread that waits for standard input
            signal.signal(ending, signal.SIG_DFL)
        await server_of(client, url).run_stdio_async()


def server_of(client: AsyncSerendip, url: str) -> MCPServer:
    """Returns a server with every tool; the URL is for its messages."""
    server = MCPServer("serendip", title="Serendip", instructions=INSTRUCTIONS, log_level="WARNING")
    for tool in Tools(client).all():
        server.add_tool(readable(tool, url), annotations=READ_ONLY)
    return server


def readable(tool: Callable[P, Awaitable[AnswerT]], url: str) -> Callable[P, Awaitable[AnswerT]]:
    """Returns the tool with errors that an assistant can act on, and with answers that fit into its context."""

    @wraps(tool)
    async def call(*args: P.args, **kwargs: P.kwargs) -> AnswerT:
        try:
            answer = await tool(*args, **kwargs)
        except (SerendipError, Unusable) as error:
            raise ToolError(str(error)) from error
        except httpx2.TransportError as error:
            raise ToolError(f"Serendip at {url} cannot be reached: {error}. Is it running?") from error
        size = len(answer.model_dump_json())
        if size > MOST_BYTES:
            raise ToolError(f"The answer has {size:,} bytes, more than {MOST_BYTES:,}. Ask for less: lower `limit`.")
        return answer

    return call
