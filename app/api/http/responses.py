"""The responses that the OpenAPI document lists for an operation.

Most problems follow from its parameters and its body. Work that takes several requests has the status 202 until it is
complete.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import orjson
from fastapi import Response
from pydantic import BaseModel
from pydantic_core import to_json

from app.api.schemas.problems import Problem
from app.api.schemas.recommendations import RecommendationListView
from app.api.schemas.records import left_out
from app.api.schemas.scenarios import PageRowView
from app.domain.fields import REASON_FIELDS, REASONS, RECOMMENDATION_FIELDS, Selection
from app.domain.recommendations import RecommendationResponse, RecommendedItem
from app.domain.scenarios import PageResponse

ViewT = TypeVar("ViewT", bound=BaseModel)

ACCEPTED = 202
JSON, MEDIA_TYPE = "application/json", "application/problem+json"
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
LIST_FIELDS, ROW_FIELDS = tuple(RecommendationListView.model_fields), tuple(PageRowView.model_fields)
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


def selected(view: ViewT, selection: Selection | None, fields: Sequence[str]) -> ViewT | Response:
    """Returns what to send of a view: all of it, or a response whose items carry only the selected fields.

    Args:
        view: the whole response.
        selection: the fields that its items carry; None for all.
        fields: the fields that its items have.
    """
    if selection is None:
        return view
    return Response(view.model_dump_json(exclude=left_out(selection, fields)), media_type=JSON)


def listed(response: RecommendationResponse) -> Response:
    """Returns a list as `RecommendationListView` describes it, in a quarter of the time of pydantic."""
    return _response(_list(response, LIST_FIELDS, response.selection))


def paged(page: PageResponse, selection: Selection | None) -> Response:
    """Returns a page as `PageView` describes it."""
    rows = [_list(row, ROW_FIELDS, selection) for row in page.rows]
    return _response({"scenario_id": page.scenario_id, "scenario_version": page.scenario_version, "rows": rows})


def _list(response: RecommendationResponse, names: Sequence[str], selection: Selection | None) -> dict[str, Any]:
    fields = [name for name in RECOMMENDATION_FIELDS if selection is None or selection.has(name)]
    parts = [name for name in REASON_FIELDS if selection is None or selection.has(REASONS, name)]
    content = {name: getattr(response, name) for name in names}
    content["items"] = [_item(item, fields, parts) for item in response.items]
    return content


def _item(item: RecommendedItem, fields: Sequence[str], parts: Sequence[str]) -> dict[str, Any]:
    content = {name: getattr(item, name) for name in fields}
    if REASONS in content:
        content[REASONS] = [{name: getattr(reason, name) for name in parts} for reason in item.reasons]
    return content


def _response(content: Mapping[str, Any]) -> Response:
    try:
        encoded = orjson.dumps(content, option=orjson.OPT_UTC_Z)
    except orjson.JSONEncodeError:  # a property has a number of more than 64 bits
        encoded = to_json(content, inf_nan_mode="null")
    return Response(encoded, media_type=JSON)


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
