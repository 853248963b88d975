"""The context of every request: id, trace, deadline, decoded and limited body, security headers and log line."""

import re
import zlib
from http import HTTPStatus
from uuid import uuid4

from anyio import fail_after
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import prices, telemetry
from app.api.http import problems
from app.api.http.deprecation import Deprecations
from app.config import Settings
from app.deadline import remaining_seconds, within
from app.telemetry import RequestLog

REQUEST_ID = "x-request-id"
ACCEPTED_ID = re.compile(r"[A-Za-z0-9=-]{1,64}")
"""No e-mail address, key or token matches it, because ids are logged."""
PAGES = ("/docs", "/redoc", "/guide")
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'"
)
"""Swagger UI and ReDoc start with inline scripts."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
TOO_SLOW = "The body did not arrive in time. Send less at a time, or over a faster connection."
NOT_GZIP = "The body is not one gzip stream, although Content-Encoding says so."
UNKNOWN_CODING = "The body has a Content-Encoding that is not supported. Send it as it is, or compressed with gzip."
MOST_VALUES = 50_000
"""Of a body, by its commas and opening brackets. Each takes up to 1 microsecond of CPU."""
TOO_MANY_VALUES = f"The body has more than {MOST_VALUES:,} values. Send less at a time."
TRANSPORT_SECURITY = "max-age=63072000"


class _ResponseTooLarge(Exception):
    """Lambda would answer 502 instead."""


class RequestContext:
    def __init__(self, app: ASGIApp, *, settings: Settings, deprecations: Deprecations) -> None:
        self._app, self._deprecations, self._emf = app, deprecations, settings.emf
        self._front = settings.front
        self._deadline_seconds, self._max_body_bytes = settings.request_deadline_seconds, settings.max_body_bytes
        self._cold = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = _method(scope)
        if method == "HEAD":  # answered as GET, without the body
            scope = {**scope, "method": "GET"}
        headers = Headers(scope=scope)
        work = _work(headers)
        scope["request_id"], cold = work.request_id, self._cold
        self._cold = cold and telemetry.is_warm_up()
        status = 0
        body = _counted(_decoded(headers, self._limited(headers, receive), self._max_body_bytes))

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                response_headers = MutableHeaders(scope=message)
                if int(response_headers.get("content-length", 0)) > self._max_body_bytes:
                    raise _ResponseTooLarge
                status = message["status"]
                self._add_headers(response_headers, scope, work)
            elif method == "HEAD" and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        with telemetry.logging_context(work), within(self._deadline_seconds):
            try:
                await self._app(scope, body, send_with_headers)
            except _ResponseTooLarge:
                names = getattr(scope.get("route"), "names", ())
                await problems.too_large(work.request_id, names)(scope, receive, send_with_headers)
            except Exception as error:
                telemetry.log_failure(work, error)
                if status:
                    raise
                await problems.unexpected(work.request_id)(scope, receive, send_with_headers)
            finally:
                work.route = getattr(scope.get("route"), "path", None)
                telemetry.log_request(work, method, status or 500, cold_start=cold, emf=self._emf)

    def _limited(self, headers: Headers, receive: Receive) -> Receive:
        """Refuses a body whose announced or actual size is too large, or that does not arrive before the deadline."""
        announced = headers.get("content-length", "")
        read_bytes = int(announced) if announced.isdecimal() and int(announced) > self._max_body_bytes else 0
        is_complete = False

        async def receive_limited() -> Message:
            nonlocal read_bytes, is_complete
            if is_complete:  # what follows is the end of the connection
                return await receive()
            message: Message = {"type": "http.request"}
            if read_bytes <= self._max_body_bytes:
                try:
                    with fail_after(max(remaining_seconds(), 0.0)):
                        message = await receive()
                except TimeoutError as error:
                    raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, TOO_SLOW, {"Connection": "close"}) from error
            is_complete = not message.get("more_body", False)
            read_bytes += len(message.get("body", b""))
            if read_bytes > self._max_body_bytes:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        return receive_limited

    def _add_headers(self, headers: MutableHeaders, scope: Scope, work: RequestLog) -> None:
        headers[REQUEST_ID] = work.request_id
        headers["traceparent"] = work.traceparent
        for name, value in HEADERS.items():
            headers[name] = value
        path = scope["path"]
        headers.setdefault(
            "Content-Security-Policy",
            PAGE_POLICY if path.startswith(PAGES) else "default-src 'none'; frame-ancestors 'none'",
        )
        if scope.get("scheme") == "https":
            headers["Strict-Transport-Security"] = TRANSPORT_SECURITY
        if path.startswith("/v1"):
            headers.setdefault("Cache-Control", "no-store")
            headers.add_vary_header("Authorization, X-API-Key")
        self._deprecations.add_headers(headers, scope.get("route"))
        if scope.get("debug"):
            _add_costs(headers, work, self._front)


def _decoded(headers: Headers, receive: Receive, most_bytes: int) -> Receive:
    """Decompresses a body with `Content-Encoding: gzip`; refuses other encodings, and bodies that become too large."""
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding in {"identity", ""}:
        return receive
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    left = most_bytes

    async def receive_decoded() -> Message:
        nonlocal left
        if coding not in {"gzip", "x-gzip"}:
            raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, UNKNOWN_CODING, {"Accept-Encoding": "gzip"})
        message = await receive()
        if message["type"] != "http.request":
            return message
        try:
            body = decompressor.decompress(message.get("body", b""), left + 1)
        except zlib.error as error:
            raise HTTPException(HTTPStatus.BAD_REQUEST, NOT_GZIP) from error
        left -= len(body)
        if left < 0:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if not message.get("more_body", False) and (not decompressor.eof or decompressor.unused_data):
            raise HTTPException(HTTPStatus.BAD_REQUEST, NOT_GZIP)
        return {**message, "body": body}

    return receive_decoded


def _counted(receive: Receive) -> Receive:
    """Refuses a body with so many values that reading it would stop everything else for longer."""
    left = MOST_VALUES

    async def receive_counted() -> Message:
        nonlocal left
        message = await receive()
        body = message.get("body", b"")
        left -= sum(map(body.count, (b",", b"[", b"{")))
        if left < 0:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_MANY_VALUES)
        return message

    return receive_counted


def _method(scope: Scope) -> str:
    methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return scope["method"] if scope["method"] in methods else "_OTHER"


def _work(headers: Headers) -> RequestLog:
    request_id = headers.get(REQUEST_ID, "")
    work = RequestLog(request_id if ACCEPTED_ID.fullmatch(request_id) else uuid4().hex)
    work.follow(headers.get("traceparent"))
    span = telemetry.active_span()
    if span is not None:
        work.trace_id, work.span_id, work.trace_flags = span
    return work


def _add_costs(headers: MutableHeaders, work: RequestLog, front: prices.Front) -> None:
    milliseconds = work.milliseconds
    headers["Server-Timing"] = (
        f'total;dur={milliseconds:.2f}, db;dur={work.database_seconds * 1_000:.2f};desc="{work.calls} calls"'
    )
    cost = prices.dollars(
        front=front, requests=1, read_units=work.read_units, write_units=work.write_units, milliseconds=milliseconds
    )
    headers["Serendip-Cost"] = f"usd={cost:.12f}, rru={work.read_units}, wru={work.write_units}"
