"""Errors as RFC 9457 problem documents: one table of statuses and titles, and one renderer."""

import random
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from app import errors
from app.api.http import validation
from app.api.http.responses import MEDIA_TYPE

RETRY_AFTER_SECONDS = range(1, 6)
"""Values of Retry-After; each response has a random one, so that not everyone comes back at once."""

ROWS: dict[type[errors.SerendipError], tuple[HTTPStatus, str]] = {
    errors.InvalidInput: (HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid input"),
    errors.InvalidToken: (HTTPStatus.BAD_REQUEST, "Invalid token"),
    errors.KeyReused: (HTTPStatus.UNPROCESSABLE_ENTITY, "Idempotency key reused"),
    errors.Unauthenticated: (HTTPStatus.UNAUTHORIZED, "Not authenticated"),
    errors.Forbidden: (HTTPStatus.FORBIDDEN, "Not allowed"),
    errors.LimitExceeded: (
        HTTPStatus.TOO_MANY_REQUESTS,
        "Request cannot be satisfied as assigned quota has been exceeded",
    ),
    errors.NotFound: (HTTPStatus.NOT_FOUND, "Not found"),
    errors.Conflict: (HTTPStatus.CONFLICT, "Conflict"),
    errors.NotActivatable: (HTTPStatus.CONFLICT, "Version cannot be activated"),
    errors.NotEnoughData: (HTTPStatus.CONFLICT, "Not enough data"),
    errors.TrainingTooSlow: (HTTPStatus.CONFLICT, "Training too slow"),
    errors.InFlight: (HTTPStatus.CONFLICT, "Request in flight"),
    errors.Exists: (HTTPStatus.CONFLICT, "Exists already"),
    errors.Erased: (HTTPStatus.CONFLICT, "Erased"),
    errors.PreconditionFailed: (HTTPStatus.PRECONDITION_FAILED, "Precondition failed"),
    errors.PreconditionRequired: (HTTPStatus.PRECONDITION_REQUIRED, "Precondition required"),
    errors.Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Database unavailable"),
    errors.IssuerUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "Issuer unavailable"),
    errors.DeadlineExceeded: (HTTPStatus.SERVICE_UNAVAILABLE, "Out of time"),
    errors.Overloaded: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Request cannot be satisfied due to temporary server capacity constraints",
    ),
    errors.WorkerUnavailable: (HTTPStatus.NOT_IMPLEMENTED, "Worker unavailable"),
    errors.OutOfTime: (HTTPStatus.SERVICE_UNAVAILABLE, "Out of time"),
    errors.Cancelled: (HTTPStatus.CONFLICT, "Cancelled"),
}
REGISTERED = "https://iana.org/assignments/http-problem-types#"
TYPES: dict[type[errors.SerendipError], str] = {
    errors.LimitExceeded: REGISTERED + "quota-exceeded",
    errors.Overloaded: REGISTERED + "temporary-reduced-capacity",
}
"""Problem types that the draft on RateLimit headers registers; the other types are derived from their titles."""
CHALLENGE = 'Bearer realm="serendip", ApiKey realm="serendip"'
FRAMEWORK_TITLES = {
    400: "Malformed request",
    404: "Not found",
    405: "Method not allowed",
    413: "Body too large",
    415: "Unsupported media type",
}
FRAMEWORK_DETAILS = {
    400: "The body cannot be parsed: it is nested too deeply, or has a number of thousands of digits.",
    404: "There is nothing at this path.",
    405: "This path does not take this method.",
    413: "The body is larger than 5 MB. Send less at a time.",
}
LESS = {
    "fields": "choose with `fields` what each item carries, such as `fields=title`",
    "limit": "ask for fewer records with `limit`",
    "item_ids": "rank fewer items",
}
"""What makes a response smaller, by the parameters that do it."""
UNPARSED = "There was an error parsing the body"
"""What FastAPI says of a body that made the parser fail."""


def add_handlers(app: FastAPI) -> None:
    """Adds handlers for all errors except unexpected ones, which `RequestContext` handles."""
    app.add_exception_handler(errors.SerendipError, _serendip)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _framework)


def render(
    request_id: str,
    status: int,
    title: str,
    detail: str,
    bad_places: Sequence[errors.FieldError] = (),
    headers: Mapping[str, str] | None = None,
    kind: str | None = None,
    **more: object,
) -> Response:
    document: dict[str, Any] = {
        "type": kind or "urn:serendip:problem:" + title.lower().replace(" ", "-"),
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request_id,
        **more,
    }
    if bad_places:
        document["errors"] = [
            {"pointer": place.pointer, "detail": place.detail} for place in bad_places[: validation.MAX_NAMED_ERRORS]
        ]
    return Response(orjson.dumps(document), status, headers, MEDIA_TYPE)


def _request_id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))


def _row_class(error: errors.SerendipError) -> type[errors.SerendipError]:
    return next(kind for kind in type(error).__mro__ if kind in ROWS)


def status_of(error: errors.SerendipError) -> HTTPStatus:
    return ROWS[_row_class(error)][0]


def of(error: errors.SerendipError, request_id: str) -> Response:
    """Returns the problem document of a SerendipError."""
    kind = _row_class(error)
    status, title = ROWS[kind]
    headers: dict[str, str] = {}
    more: dict[str, object] = {}
    if isinstance(error, errors.LimitExceeded):
        seconds = error.retry_after_seconds
        headers = {"Retry-After": str(seconds), "RateLimit": f'"{error.policy}";r=0;t={seconds}'}
        more = {"violated-policies": [error.policy]}
    elif isinstance(error, errors.Unauthenticated):
        headers = {"WWW-Authenticate": CHALLENGE}
    elif status == HTTPStatus.SERVICE_UNAVAILABLE or isinstance(error, errors.InFlight):
        headers = {"Retry-After": str(random.choice(RETRY_AFTER_SECONDS))}  # noqa: S311 - no secret
    bad_places = error.errors if isinstance(error, errors.InvalidInput | errors.Forbidden) else ()
    return render(request_id, status, title, error.detail, bad_places, headers, TYPES.get(kind), **more)


def unexpected(request_id: str) -> Response:
    """Returns the problem document of an unexpected error."""
    detail = "Something went wrong on our side. `instance` is the id of the request in the logs."
    return render(request_id, 500, "Internal error", detail)


def too_large(request_id: str, names: Collection[str]) -> Response:
    """Returns the problem document of a response that is too large to be sent.

    `names` are those of the operation's parameters and of the fields of its body.
    """
    less = [remedy for name, remedy in LESS.items() if name in names]
    detail = f"The response would be larger than 5 MB. {', or '.join(less).capitalize() or 'Ask for less'}."
    return render(request_id, 422, "Response too large", detail)


async def _serendip(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.SerendipError)  # noqa: S101 - registered for this class
    return of(error, _request_id(request))


def _validation(request: Request, error: Exception) -> Response:
    """Runs in a thread, because describing 2,000 errors takes up to 100 ms."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    details = error.errors()
    if _not_json(request, details):
        hint = "Send the body as JSON, with the header Content-Type: application/json."
        return render(_request_id(request), 415, FRAMEWORK_TITLES[415], hint)
    body = getattr(request.scope.get("route"), "body_field", None)
    return of(validation.of_request(details, body and body.field_info.annotation), _request_id(request))


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    if isinstance(error.__cause__, errors.SerendipError):  # raised while the body was read
        return of(error.__cause__, _request_id(request))
    status = error.status_code
    title = FRAMEWORK_TITLES.get(status, HTTPStatus(status).phrase)
    says_nothing = error.detail in {HTTPStatus(status).phrase, UNPARSED}
    detail = FRAMEWORK_DETAILS.get(status, error.detail) if says_nothing else error.detail
    headers = {"Allow": ", ".join(_methods(request))} if status == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    return render(_request_id(request), status, title, detail, headers=headers)


def _methods(request: Request) -> list[str]:
    """Returns the methods that the request's path takes; each route knows its own only."""
    routes = (route for route in request.app.routes if route.matches(request.scope)[0] is Match.PARTIAL)
    methods = {method for route in routes for method in getattr(route, "methods", ())}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


def _not_json(request: Request, details: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the body was read as bytes because its content type is not JSON."""
    is_unread = any(error["loc"][0] == "body" and isinstance(error.get("input"), bytes) for error in details)
    return is_unread and "json" not in request.headers.get("content-type", "")
