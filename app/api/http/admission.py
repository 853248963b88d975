"""Admission of requests to /v1 by credentials and limits, before their body is read."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from anyio.to_thread import run_sync
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import telemetry
from app.api.http import problems
from app.api.schemas.owners import owned_by_default
from app.domain.access import Limits, Principal
from app.errors import SerendipError
from app.services.access.authentication import Credentials
from app.services.access.rate_limits import Allowance
from app.services.access.token_bucket import DAY_SECONDS, QUOTA, RATE
from app.services.bundle import Services
from app.telemetry import RequestLog

GUARDED = "/v1"
BEARER = "bearer "

Result = TypeVar("Result")


class Admission:
    def __init__(self, app: ASGIApp, *, services: Services) -> None:
        self._app, self._services = app, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not guarded(scope["path"]):
            await self._app(scope, receive, send)
            return
        await self._admit(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        policies: dict[str, str] = {}
        try:
            principal, is_allowed_page = await self._principal(Headers(scope=scope))
            scope["principal"], scope["is_allowed_page"] = principal, is_allowed_page
            telemetry.current().project = principal.project
            policies = _policies(self._services.limiter.limits(principal))
            allowance = await self._allowance(principal)
        except SerendipError as error:
            response = problems.of(error, telemetry.current().request_id)
            response.headers.update(policies)
            await response(scope, receive, send)
            return

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start" and allowance is not None:
                headers = MutableHeaders(scope=message)
                headers.update(policies)
                headers.setdefault("RateLimit", _remaining(allowance))
            await send(message)

        try:
            with owned_by_default(principal.user_id):
                await self._app(scope, receive, send_with_limits)
        finally:
            usage = self._services.usage
            usage.count(principal.project, principal.credential, telemetry.current())
            if usage.due():
                with telemetry.logging_context(RequestLog()):  # its work does not belong to this request
                    await run_sync(usage.write)

    async def _principal(self, headers: Headers) -> tuple[Principal, bool]:
        """Returns the principal, and whether the page that sent the request may read the response."""
        credentials = credentials_in(headers)
        return await _here_or_aside(self._services.access.is_cached(credentials), self._authenticated, credentials)

    def _authenticated(self, credentials: Credentials) -> tuple[Principal, bool]:
        access = self._services.access
        principal = access.authenticate(credentials)
        return principal, access.is_allowed_page(principal, credentials)

    async def _allowance(self, principal: Principal) -> Allowance | None:
        limiter = self._services.limiter
        return await _here_or_aside(not limiter.needs_lease(principal), limiter.spend, principal)


def credentials_in(headers: Mapping[str, str]) -> Credentials:
    """Returns the credentials in the headers of a request; header names are in lower case."""
    bearer = headers.get("authorization")
    if bearer is not None:
        bearer = bearer[len(BEARER) :].strip() if bearer.lower().startswith(BEARER) else ""
    origin = headers.get("origin")
    is_same_origin = headers.get("sec-fetch-site") == "same-origin" or (
        origin is not None and origin.partition("://")[2] == headers.get("host")
    )
    return Credentials(headers.get("x-api-key"), bearer, origin, is_same_origin=is_same_origin)


async def _here_or_aside(quick: bool, function: Callable[[Any], Result], argument: object) -> Result:  # noqa: FBT001
    """Calls a quick function directly and a slow one in a thread, so that it does not block other requests."""
    return function(argument) if quick else await run_sync(function, argument)


def guarded(path: str) -> bool:
    """Whether requests for a path need credentials."""
    return path == GUARDED or path.startswith(GUARDED + "/")


def _policies(limits: Limits) -> dict[str, str]:
    """RateLimit-Policy of draft-ietf-httpapi-ratelimit-headers-10: a burst, and the seconds until it is full again."""
    policies = []
    if limits.requests_per_second is not None:
        window = max(1, round(limits.bucket_size / limits.requests_per_second))
        policies.append(f'"{RATE}";q={limits.bucket_size};w={window}')
    if limits.requests_per_day is not None:
        policies.append(f'"{QUOTA}";q={limits.requests_per_day};w={DAY_SECONDS}')
    return {"RateLimit-Policy": ", ".join(policies)} if policies else {}


def _remaining(allowance: Allowance) -> str:
    """RateLimit: the remaining requests, and the seconds until the quota is full again."""
    parts = []
    limits = allowance.limits
    if limits.requests_per_second is not None:
        left = min(allowance.rate_left or 0, limits.bucket_size)
        parts.append(f'"{RATE}";r={left};t={round((limits.bucket_size - left) / limits.requests_per_second)}')
    if limits.requests_per_day is not None:
        parts.append(f'"{QUOTA}";r={allowance.day_left or 0};t={allowance.day_seconds}')
    return ", ".join(parts)
