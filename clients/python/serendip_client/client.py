"""The clients: every operation of the API, with retries."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Self

import httpx2

from serendip_client.calls import TIMEOUT_SECONDS, Answer, Body, Credentials, checked, parsed, request_arguments
from serendip_client.operations import AsyncOperations, Operations
from serendip_client.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Mapping


class Serendip(Operations):
    """The API of a project.

    Args:
        base_url: the address of the server; by default SERENDIP_URL.
        api_key: a key of the project, `sk_...`; by default SERENDIP_API_KEY.
        token: instead of a key, a user token or a JWT.
        retries: when requests are repeated.
        timeout_seconds: the longest wait for a connection, and between two parts of a response.
        transport: replaces the network, for proxies and tests.

    Every operation raises SerendipError if the server refuses the request, and httpx2.TransportError if it cannot be
    reached. Close the client, or use it in a `with` statement.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        token: str | None = None,
        retries: Retries = Retries(),  # noqa: B008 - immutable
        timeout_seconds: float = TIMEOUT_SECONDS,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        credentials = Credentials.of(base_url, api_key, token)
        self._retries = retries
        self._http = httpx2.Client(
            base_url=credentials.base_url, headers=credentials.headers, timeout=timeout_seconds, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def base_url(self) -> str:
        return str(self._http.base_url)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: Body | None = None,
    ) -> httpx2.Response:
        """Sends a request, again if needed; returns the response, with headers such as its ETag.

        Raises:
            SerendipError: the server refused the request.
            httpx2.TransportError: the server could not be reached.
        """
        arguments = request_arguments(method, query or {}, headers or {}, body)
        sent = 0
        while True:
            sent += 1
            try:
                response = self._http.request(url=path, **arguments)
            except httpx2.TransportError:
                wait_seconds = self._retries.wait_seconds(sent, None)
                if wait_seconds is None:
                    raise
            else:
                wait_seconds = self._retries.wait_seconds(sent, response)
                if wait_seconds is None:
                    return checked(response)
            time.sleep(wait_seconds)

    def _call(
        self,
        answer: type[Answer],
        method: str,
        path: str,
        query: Mapping[str, object],
        headers: Mapping[str, str | None],
        body: Body | None,
    ) -> Answer:
        return parsed(answer, self.request(method, path, query=query, headers=headers, body=body))


class AsyncSerendip(AsyncOperations):
    """The API of a project, for asyncio; see `Serendip`."""

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        token: str | None = None,
        retries: Retries = Retries(),  # noqa: B008 - immutable
        timeout_seconds: float = TIMEOUT_SECONDS,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        credentials = Credentials.of(base_url, api_key, token)
        self._retries = retries
        self._http = httpx2.AsyncClient(
            base_url=credentials.base_url, headers=credentials.headers, timeout=timeout_seconds, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    @property
    def base_url(self) -> str:
        return str(self._http.base_url)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: Body | None = None,
    ) -> httpx2.Response:
        """Sends a request as `Serendip.request` does."""
        arguments = request_arguments(method, query or {}, headers or {}, body)
        sent = 0
        while True:
            sent += 1
            try:
                response = await self._http.request(url=path, **arguments)
            except httpx2.TransportError:
                wait_seconds = self._retries.wait_seconds(sent, None)
                if wait_seconds is None:
                    raise
            else:
                wait_seconds = self._retries.wait_seconds(sent, response)
                if wait_seconds is None:
                    return checked(response)
            await asyncio.sleep(wait_seconds)

    async def _call(
        self,
        answer: type[Answer],
        method: str,
        path: str,
        query: Mapping[str, object],
        headers: Mapping[str, str | None],
        body: Body | None,
    ) -> Answer:
        return parsed(answer, await self.request(method, path, query=query, headers=headers, body=body))
