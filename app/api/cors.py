"""Cross-origin requests of web pages (CORS): preflights, and which pages may read a response."""

import re
from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.http.admission import guarded

ALLOWED_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ALLOWED_HEADERS = (
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "traceparent",
    "x-api-key",
    "x-request-id",
)
EXPOSED_HEADERS = (
    "date",
    "deprecation",
    "etag",
    "idempotency-replayed",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "serendip-cost",
    "server-timing",
    "sunset",
    "traceparent",
    "x-request-id",
)
ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,255}")
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
MAX_AGE_SECONDS = 7_200
"""Chromium keeps the response to a preflight no longer."""
ALL = "*"
UNKNOWN = {HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE}
"""Statuses of requests that were refused before their credentials were known."""


class Cors:
    """Lets pages read what their credentials allow.

    A preflight has no credentials, so that it is answered for every origin, without the database. This allows a page to
    send its request; the origins of the key, or else of its project, decide whether that is refused, and otherwise
    whether the page may read the response. Every page may read why credentials are unknown, so that it can renew them.
    There are no cookies, and no `Access-Control-Allow-Credentials`.
    """

    def __init__(self, app: ASGIApp, *, origins: Collection[str]) -> None:
        """`origins` may read everything, whatever the credentials."""
        self._app, self._origins = app, frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        is_page = ORIGIN.fullmatch(origin) is not None
        requested = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        if is_page and requested and guarded(scope["path"]):
            await _preflight(origin)(scope, receive, send)
            return

        async def send_to_page(message: Message) -> None:
            if message["type"] == "http.response.start":
                response = MutableHeaders(scope=message)
                if guarded(scope["path"]) or self._origins:
                    response.add_vary_header("Origin")
                if is_page and self._may_read(scope, origin, message["status"]):
                    response[ALLOW_ORIGIN] = origin
                    response["Access-Control-Expose-Headers"] = ", ".join(EXPOSED_HEADERS)
            await send(message)

        await self._app(scope, receive, send_to_page)

    def _may_read(self, scope: Scope, origin: str, status: int) -> bool:
        if origin in self._origins or ALL in self._origins:
            return True
        if "principal" not in scope:
            return guarded(scope["path"]) and status in UNKNOWN
        return bool(scope["is_allowed_page"])


def _preflight(origin: str) -> Response:
    headers = {
        ALLOW_ORIGIN: origin,
        "Access-Control-Allow-Methods": ", ".join(ALLOWED_METHODS),
        "Access-Control-Allow-Headers": ", ".join(ALLOWED_HEADERS),
        "Access-Control-Max-Age": str(MAX_AGE_SECONDS),
        "Vary": "Origin",
    }
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
