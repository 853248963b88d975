"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot know."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI

from app.api.http.deprecation import Deprecations
from app.api.http.responses import add_problems
from app.api.http.routing.lazy_routes import load_all
from app.domain.fields import ITEM_ID

TAG_GROUPS = (
    ("Data", ("items", "users", "events", "event types")),
    ("Recommendations", ("recommendations", "scenarios", "sockets")),
    ("Models", ("models", "jobs")),
    ("Administration", ("keys", "projects", "usage", "health")),
)

REFERENCE = "#/components/schemas/"
REASON = "ReasonView"
ITEMS = {"RecommendationView": "SelectedRecommendation", REASON: "SelectedReason", "ItemView": "SelectedItem"}
LISTS = {
    "RecommendationListView": "SelectedRecommendationList",
    "PageRowView": "SelectedPageRow",
    "PageView": "SelectedPage",
    "ItemPage": "SelectedItemPage",
    "ItemSearchView": "SelectedItemSearch",
}
"""The schemas of responses with `fields`, by those of the same responses without it."""
SELECTED = ITEMS | LISTS


def describe(app: FastAPI, deprecations: Deprecations) -> None:
    """Completes the document, which FastAPI creates on the first request for it."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        is_complete = app.openapi_schema is not None
        load_all(app)
        document = generate()
        if not is_complete:
            _complete(document, deprecations)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any], deprecations: Deprecations) -> None:
    from app.api.http import examples  # noqa: PLC0415 - a cold start does not need them

    operations = [operation for path in document["paths"].values() for operation in path.values()]
    deprecations.mark(operations)
    document["x-tagGroups"] = [{"name": name, "tags": list(tags)} for name, tags in TAG_GROUPS]
    add_problems(document, examples.PROBLEM)
    _add_selections(document, operations)
    for operation in operations:
        for parameter in operation.get("parameters", ()):
            _drop_null(parameter)
            if parameter["in"] == "path" and parameter["name"] in examples.PARAMETERS:
                parameter["example"] = examples.PARAMETERS[parameter["name"]]
        if operation["operationId"] in examples.REQUESTS:
            content = operation["requestBody"]["content"]["application/json"]
            content["example"] = examples.REQUESTS[operation["operationId"]]


def _add_selections(document: dict[str, Any], operations: Sequence[dict[str, Any]]) -> None:
    """Says what the responses of operations with `fields` are like if it is sent: their items lack fields."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    for name, chosen in SELECTED.items():
        schema = _renamed(schemas[name]) | {"title": chosen, "description": "The response to a request with `fields`."}
        if name in ITEMS:
            schema["description"] = "Only what `fields` names."
            required = [ITEM_ID] if name != REASON else []
            schema = {key: value for key, value in (schema | {"required": required}).items() if value != []}
            for field in schema["properties"].values():
                field.pop("default", None)
        schemas[chosen] = schema
    for operation in operations:
        for parameter in operation.get("parameters", ()):
            if parameter["name"] == "fields":
                parameter |= {"style": "form", "explode": False}
        content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name in LISTS:
            content["schema"] = {"anyOf": [content["schema"], {"$ref": REFERENCE + SELECTED[name]}]}


def _renamed(part: Any) -> Any:  # noqa: ANN401 - JSON
    """Returns a copy of a part of a schema that refers to the schemas of selected fields."""
    if isinstance(part, list):
        return [_renamed(each) for each in part]
    if not isinstance(part, dict):
        return part
    copy = {name: _renamed(value) for name, value in part.items()}
    if "$ref" in copy:
        name = copy["$ref"].rpartition("/")[2]
        copy["$ref"] = REFERENCE + SELECTED.get(name, name)
    return copy


def _drop_null(parameter: dict[str, Any]) -> None:
    """Removes null from a schema: a parameter can be left out, but a path, query or header cannot hold null."""
    schema = parameter["schema"]
    kept = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(kept) == 1:
        parameter["schema"] = {name: value for name, value in schema.items() if name != "anyOf"} | kept[0]
    elif kept:
        schema["anyOf"] = kept
