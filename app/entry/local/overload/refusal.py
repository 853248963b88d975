"""Responses of requests that are not worked on, built once: refusing must cost next to nothing."""

import random
from http import HTTPStatus

from fastapi import Response

from app.api.http import problems
from app.api.http.request_context import HEADERS
from app.api.http.responses import MEDIA_TYPE
from app.errors import Overloaded

DETAIL = "There are too many requests right now. Try again shortly."
INSTANCE = "refused"
"""In place of a request id: refused requests are counted in the log, but not listed."""


def _built(problem: Response, **more: str) -> bytes:
    status = HTTPStatus(problem.status_code)
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(problem.body)),
        "Cache-Control": "no-store",
        "Access-Control-Allow-Origin": "*",  # it holds nothing, and pages need to know when to try again
        "Access-Control-Expose-Headers": "retry-after",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        **HEADERS,
        **more,
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {headers[name]}" for name in headers)]
    return "\r\n".join([*lines, "", ""]).encode() + problem.body


def _refusals(**more: str) -> list[bytes]:
    problem = problems.of(Overloaded(DETAIL), INSTANCE)
    return [_built(problem, **{"Retry-After": str(seconds)}, **more) for seconds in problems.RETRY_AFTER_SECONDS]


KEEPING, CLOSING = _refusals(), _refusals(Connection="close")
MALFORMED = _built(
    problems.render(
        INSTANCE,
        HTTPStatus.BAD_REQUEST,
        problems.FRAMEWORK_TITLES[HTTPStatus.BAD_REQUEST],
        "The request is not valid HTTP, or its URL is longer than 65,535 bytes.",
    ),
    Connection="close",
)


def refusal(*, closes: bool) -> bytes:
    """Returns one of the responses; they differ in `Retry-After`, so that not everyone comes back at once."""
    return random.choice(CLOSING if closes else KEEPING)  # noqa: S311 - no secret
