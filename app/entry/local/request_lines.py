"""Prints a short line for each request on the terminal, instead of the JSON lines of the log."""

import logging
import sys
from collections.abc import Callable
from time import perf_counter
from urllib.parse import quote

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import telemetry

RED, YELLOW, GREEN, DIM = "31", "33", "32", "2"
CLIENT_ERROR, SERVER_ERROR = 400, 500
NO_RESPONSE = 0

Print = Callable[[str], None]


def print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class RequestLines:
    """Middleware that prints method, path, status and milliseconds; no query, which may hold a token."""

    def __init__(self, app: ASGIApp, print_: Print = print_line, *, colors: bool | None = None) -> None:
        self._app, self._print = app, print_
        self._colors = sys.stdout.isatty() if colors is None else colors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), NO_RESPONSE

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            milliseconds = (perf_counter() - started) * 1_000
            self._print(self._line(scope["method"], quote(scope["path"], safe="/:~@"), status, milliseconds))

    def _line(self, method: str, path: str, status: int, milliseconds: float) -> str:
        color = RED if status >= SERVER_ERROR or status == NO_RESPONSE else YELLOW if status >= CLIENT_ERROR else GREEN
        parts = (f"{method:<6}", path, self._colored(str(status or "---"), color))
        return f"{' '.join(parts)} {self._colored(f'{milliseconds:.1f} ms', DIM)}"

    def _colored(self, text: str, color: str) -> str:
        return f"\033[{color}m{text}\033[0m" if self._colors else text


class _Failures(logging.Handler):
    """Prints unexpected errors, and no other line of the log."""

    def __init__(self, print_: Print) -> None:
        super().__init__()
        self._print = print_

    def emit(self, record: logging.LogRecord) -> None:
        fields = orjson.loads(record.getMessage())
        if "error" in fields:
            frame = fields["frames"][-1] if fields["frames"] else "an unknown place"
            self._print(f"{fields['error']} at {frame} (details: --json-logs)")


def print_failures(print_: Print = print_line) -> None:
    """Prints the log's errors as short lines; the terminal gets the rest from the middleware."""
    telemetry.logger.handlers = [_Failures(print_)]
    telemetry.logger.setLevel(logging.INFO)
    telemetry.logger.propagate = False
