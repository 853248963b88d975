"""Responses of requests that are not worked on, built once: refusing must cost next to nothing."""

import random
from collections.abc import Mapping
from http import HTTPStatus

import orjson

from app.api.http import problems
from app.api.http.request_context import HEADERS
from app.api.http.responses import MEDIA_TYPE
from app.errors import Overloaded

DETAIL = "There are too many requests right now. Try again shortly."
INSTANCE = "refused"
"""In place of a request id: refused requests are counted in the log, but not listed."""


def _built(status: HTTPStatus, document: Mapping[str, object], **more: str) -> bytes:
    body = orjson.dumps(document)
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Access-Control-Allow-Origin": "*",  # it holds nothing, and pages need to know when to try again
        "Access-Control-Expose-Headers": "retry-after",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        **HEADERS,
        **more,
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {headers[name]}" for name in headers)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _refusals(**more: str) -> list[bytes]:
    status, title = problems.ROWS[Overloaded]
    document = {"type": problems.TYPES[Overloaded], "title": title, "status": status.value, "detail": DETAIL}
    return [
        _built(status, document | {"instance": INSTANCE}, **{"Retry-After": str(seconds)}, **more)
        for seconds in problems.RETRY_AFTER_SECONDS
    ]


KEEPING, CLOSING = _refusals(), _refusals(Connection="close")
MALFORMED = _built(
    HTTPStatus.BAD_REQUEST,
    {
        "type": problems.kind_of(problems.FRAMEWORK_TITLES[400]),
        "title": problems.FRAMEWORK_TITLES[400],
        "status": 400,
        "detail": "The request is not valid HTTP, or its URL is longer than 65,535 bytes.",
        "instance": INSTANCE,
    },
    Connection="close",
)


def refusal(*, closes: bool) -> bytes:
    """Returns one of the responses; they differ in `Retry-After`, so that not everyone comes back at once."""
    return random.choice(CLOSING if closes else KEEPING)  # noqa: S311 - no secret
