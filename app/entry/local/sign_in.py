"""The link with which the console signs in on this machine: a code that works once, for a few minutes."""

from collections.abc import Callable
from hmac import compare_digest
from secrets import token_urlsafe
from threading import Lock
from urllib.parse import urlsplit

from anyio.to_thread import run_sync
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.clock import Clock
from app.errors import Forbidden

PATH = "/console/session"
MOST_SECONDS = 600.0
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class SignIn:
    """Exchanges the code of the link for the key of this server. Only a local server has the route."""

    def __init__(self, key: Callable[[], str], clock: Clock) -> None:
        self._key, self._clock = key, clock
        self._lock = Lock()
        self._code, self._ends_at = "", 0.0

    def new_code(self) -> str:
        """Returns a new code; an earlier one no longer works."""
        with self._lock:
            self._code, self._ends_at = token_urlsafe(32), self._clock.monotonic() + MOST_SECONDS
            return self._code

    def exchange(self, code: bytes) -> str:
        """Returns the key. Raises Forbidden."""
        with self._lock:
            has_expired = self._clock.monotonic() >= self._ends_at
            if not self._code or has_expired or not compare_digest(code, self._code.encode()):
                raise Forbidden("The link has been used or has expired. Sign in with a key: .serendip/key holds one.")
            self._code = ""
        return self._key()


def add_route(application: FastAPI, exchange: Callable[[bytes], str]) -> None:
    """Adds the route that exchanges codes; `exchange` may be that of another process."""

    async def respond(request: Request) -> JSONResponse:
        """Raises Forbidden."""
        check_is_local(request)
        key = await run_sync(exchange, await request.body())
        return JSONResponse({"key": key}, headers={"Cache-Control": "no-store"})

    application.router.routes.append(Route(PATH, respond, methods=["POST"]))


def check_is_local(request: Request) -> None:
    """Raises Forbidden unless a page of this server sent the request, to an address of loopback.

    Other sites can make a browser send requests here, under their own name too (DNS rebinding).
    """
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    if urlsplit(f"//{host}").hostname not in LOOPBACK or origin not in {None, f"http://{host}"}:
        raise Forbidden("Open the link of this server on the same machine.")
