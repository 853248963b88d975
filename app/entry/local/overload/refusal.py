"""Responses of requests that are not worked on, built once: refusing must cost next to nothing."""

import random
from http import HTTPStatus

import orjson

from app.api.http import problems
from app.api.http.request_context import HEADERS
from app.api.http.responses import MEDIA_TYPE
from app.errors import Overloaded

DETAIL = "There are too many requests right now. Try again shortly."
INSTANCE = "refused"
"""In place of a request id: refused requests are counted in the log, but not listed."""


def _built(seconds: int, *, closes: bool) -> bytes:
    status, title = problems.ROWS[Overloaded]
    document = {"type": problems.TYPES[Overloaded], "title": title, "status": status.value}
    body = orjson.dumps(document | {"detail": DETAIL, "instance": INSTANCE})
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Retry-After": str(seconds),
        "Cache-Control": "no-store",
        "Access-Control-Allow-Origin": "*",  # it holds nothing, and pages need to know when to try again
        "Access-Control-Expose-Headers": "retry-after",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        **HEADERS,
        **({"Connection": "close"} if closes else {}),
    }
    lines = [f"HTTP/1.1 {status.value} {HTTPStatus(status).phrase}", *(f"{name}: {headers[name]}" for name in headers)]
    return "\r\n".join([*lines, "", ""]).encode() + body


KEEPING = [_built(seconds, closes=False) for seconds in problems.RETRY_AFTER_SECONDS]
CLOSING = [_built(seconds, closes=True) for seconds in problems.RETRY_AFTER_SECONDS]


def refusal(*, closes: bool) -> bytes:
    """Returns one of the responses; they differ in `Retry-After`, so that not everyone comes back at once."""
    return random.choice(CLOSING if closes else KEEPING)  # noqa: S311 - no secret
