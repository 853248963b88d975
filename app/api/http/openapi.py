"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot know."""

from typing import Any

from fastapi import FastAPI

from app.api.http.deprecation import Deprecations
from app.api.http.lazy_routes import load_all
from app.api.http.responses import add_problems

TAG_GROUPS = (
    ("Data", ("items", "users", "events", "event types")),
    ("Recommendations", ("recommendations", "scenarios", "sockets")),
    ("Models", ("models", "jobs")),
    ("Administration", ("keys", "projects", "usage", "health")),
)


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
    for operation in operations:
        for parameter in operation.get("parameters", ()):
            _drop_null(parameter)
            if parameter["in"] == "path" and parameter["name"] in examples.PARAMETERS:
                parameter["example"] = examples.PARAMETERS[parameter["name"]]
        if operation["operationId"] in examples.REQUESTS:
            content = operation["requestBody"]["content"]["application/json"]
            content["example"] = examples.REQUESTS[operation["operationId"]]


def _drop_null(parameter: dict[str, Any]) -> None:
    """Removes null from a schema: a parameter can be left out, but a path, query or header cannot hold null."""
    schema = parameter["schema"]
    kept = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(kept) == 1:
        parameter["schema"] = {name: value for name, value in schema.items() if name != "anyOf"} | kept[0]
    elif kept:
        schema["anyOf"] = kept
