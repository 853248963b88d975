"""Prints a short line for each request on the terminal, instead of the JSON lines of the log."""

import logging
import sys
from collections.abc import Callable
from time import monotonic, perf_counter
from urllib.parse import quote

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import telemetry
from app.errors import DeadlineExceeded, Unavailable

RED, YELLOW, GREEN, DIM = "31", "33", "32", "2"
CLIENT_ERROR, SERVER_ERROR = 400, 500
NO_RESPONSE = 0
UNAVAILABLE = {f"{error.__module__}.{error.__qualname__}" for error in (Unavailable, DeadlineExceeded)}
REPEAT_SECONDS = 60.0

Print = Callable[[str], None]


def print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class RequestLines:
    """Middleware that prints method, path, status and milliseconds, and the detail of a server's error.

    It prints no query, which may hold a token.
    """

    def __init__(self, app: ASGIApp, print_: Print = print_line, *, colors: bool | None = None) -> None:
        self._app, self._print = app, print_
        self._colors = sys.stdout.isatty() if colors is None else colors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, body = perf_counter(), NO_RESPONSE, b""

        async def sending(message: Message) -> None:
            nonlocal status, body
            if message["type"] == "http.response.start":
                status = message["status"]
            elif status >= SERVER_ERROR:
                body += message.get("body", b"")
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            milliseconds = (perf_counter() - started) * 1_000
            line = self._line(scope["method"], quote(scope["path"], safe="/:~@"), status, milliseconds)
            self._print(f"{line} {_detail(body)}".rstrip())

    def _line(self, method: str, path: str, status: int, milliseconds: float) -> str:
        color = RED if status >= SERVER_ERROR or status == NO_RESPONSE else YELLOW if status >= CLIENT_ERROR else GREEN
        parts = (f"{method:<6}", path, self._colored(str(status or "---"), color))
        return f"{' '.join(parts)} {self._colored(f'{milliseconds:.1f} ms', DIM)}"

    def _colored(self, text: str, color: str) -> str:
        return f"\033[{color}m{text}\033[0m" if self._colors else text


def _detail(body: bytes) -> str:
    """Returns the detail of a problem; nothing if the body is not a problem."""
    try:
        return str(orjson.loads(body)["detail"])
    except (ValueError, TypeError, KeyError):
        return ""


class _Failures(logging.Handler):
    """Prints unexpected errors, and that the database is unavailable once a minute, and no other line of the log."""

    def __init__(self, print_: Print) -> None:
        super().__init__()
        self._print = print_
        self._repeat_at = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        fields = orjson.loads(record.getMessage())
        if fields.get("error") in UNAVAILABLE:
            if monotonic() >= self._repeat_at:
                self._repeat_at = monotonic() + REPEAT_SECONDS
                self._print("The database is unavailable. The work that it interrupts is tried again.")
        elif "error" in fields:
            frame = fields["frames"][-1] if fields["frames"] else "an unknown place"
            self._print(f"{fields['error']} at {frame} (details: --json-logs)")


def print_failures(print_: Print = print_line) -> None:
    """Prints the log's errors as short lines; the terminal gets the rest from the middleware."""
    telemetry.logger.handlers = [_Failures(print_)]
    telemetry.logger.setLevel(logging.INFO)
    telemetry.logger.propagate = False
