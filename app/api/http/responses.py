"""The responses that the OpenAPI document lists for an operation.

Most problems follow from its parameters and its body. Work that takes several requests has the status 202 until it is
complete.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from fastapi import Response
from pydantic import BaseModel

from app.api.schemas.problems import Problem
from app.api.schemas.recommendations import RecommendationListView
from app.api.schemas.records import left_out
from app.domain.fields import RECOMMENDATION_FIELDS, Selection
from app.domain.recommendations import RecommendationResponse

ViewT = TypeVar("ViewT", bound=BaseModel)

ACCEPTED = 202
MEDIA_TYPE = "application/problem+json"
GUARDED = (401, 403, 422, 429, 503)
"""The problems of every operation that needs credentials."""
WITH_BODY = (400, 413, 415)
BY_PARAMETER = {
    "Idempotency-Key": (409,),
    "If-Match": (409, 412, 428),
    "cursor": (400,),
    "continue_from": (400,),
    "fresh_after": (400,),
    "recommendation_id": (400,),
}
DESCRIPTIONS = {
    400: "The body cannot be parsed, or a cursor or token is invalid",
    401: "There are no credentials, or they are invalid",
    403: "The credentials do not allow this operation",
    404: "Not found",
    409: "Conflict",
    412: "If-Match or If-None-Match does not match",
    413: "Body too large",
    415: "Unsupported media type",
    422: "Invalid input; `errors` names every bad field",
    428: "This deployment requires If-Match for changes",
    429: "The key's rate or daily quota is used up; try again after `Retry-After` seconds",
    501: "This deployment has no worker, or no storage for files",
    503: "Database unavailable; try again after `Retry-After` seconds",
}
SECONDS = {"schema": {"type": "integer", "minimum": 0}, "description": "Seconds to wait before the next try."}
TEXT = {"type": "string"}
HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"schema": TEXT, "description": "The ways to authenticate."}},
    429: {
        "Retry-After": SECONDS,
        "RateLimit": {"schema": TEXT, "description": "What is left of the key's rate and quota."},
        "RateLimit-Policy": {"schema": TEXT, "description": "The key's rate and quota."},
    },
    503: {"Retry-After": SECONDS},
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the problems of a route that do not follow from its parameters and its body."""
    return {status: {"description": DESCRIPTIONS[status]} for status in statuses}


def accepted(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Returns the response to a request for work that is not complete."""
    return {ACCEPTED: {"model": model, "description": "The work is not complete; send the request again."}}


def ask_again(response: Response, seconds: int = 1) -> None:
    """Sets the status 202, and says when to send the request again."""
    response.status_code = ACCEPTED
    response.headers["Retry-After"] = str(seconds)


def selected(
    view: ViewT,
    selection: Selection | None,
    fields: Sequence[str] = RECOMMENDATION_FIELDS,
    within: Sequence[str] = ("items",),
) -> ViewT | Response:
    """Returns what to send of a view: all of it, or a response whose items carry only the selected fields.

    Args:
        view: the whole response.
        selection: the fields that its items carry; None for all.
        fields: as of `left_out`.
        within: as of `left_out`.
    """
    if selection is None:
        return view
    content = view.model_dump_json(exclude=left_out(selection, fields, within))
    return Response(content, media_type="application/json")


def listed(response: RecommendationResponse) -> RecommendationListView | Response:
    """Returns what to send of a list: all of it, or what was selected."""
    return selected(RecommendationListView.model_validate(response), response.selection)


def add_problems(document: dict[str, Any], example: Mapping[str, Any]) -> None:
    """Adds the problems of every operation, each of them once in the components."""
    components = document["components"]
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own form, which is never sent
        components["schemas"].pop(name, None)
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    del schema["properties"]["errors"]["default"]  # null, which FastAPI leaves out everywhere
    components["schemas"] |= schema.pop("$defs") | {"Problem": schema | {"examples": [example]}}
    shared = components.setdefault("responses", {})
    for path in document["paths"].values():
        for operation in path.values():
            for status in sorted(set(_statuses(operation))):
                shared[f"Problem{status}"] = _problem(status)
                operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _statuses(operation: Mapping[str, Any]) -> Iterator[int]:
    """Yields the statuses of an operation's problems."""
    yield from (int(status) for status in operation["responses"] if int(status) in DESCRIPTIONS)
    if "security" in operation:
        yield from GUARDED
    if "requestBody" in operation:
        yield from WITH_BODY
    for parameter in operation.get("parameters", ()):
        yield from BY_PARAMETER.get(parameter["name"], ())


def _problem(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    headers = {"headers": HEADERS[status]} if status in HEADERS else {}
    return {"description": DESCRIPTIONS[status], "content": content, **headers}
