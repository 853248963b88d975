"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot know."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from app.api.http.deprecation import Deprecations
from app.api.http.lazy_routes import load_all
from app.api.http.problems import MEDIA_TYPE

SECONDS = {"schema": {"type": "integer", "minimum": 0}, "description": "Seconds to wait before the next try."}
TEXT = {"type": "string"}
HEADERS: dict[str, dict[str, Any]] = {
    "401": {"WWW-Authenticate": {"schema": TEXT, "description": "The ways to authenticate."}},
    "429": {
        "Retry-After": SECONDS,
        "RateLimit": {"schema": TEXT, "description": "What is left of the key's rate and quota."},
        "RateLimit-Policy": {"schema": TEXT, "description": "The key's rate and quota."},
    },
    "503": {"Retry-After": SECONDS},
}
TAG_GROUPS = (
    ("Data", ("items", "users", "events")),
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
    components = document["components"]
    components["schemas"]["Problem"]["examples"] = [examples.PROBLEM]
    shared = components.setdefault("responses", {})
    for operation in operations:
        for status, response in operation["responses"].items():
            _add_headers(status, response)
        for status, response in _problems(operation):
            name = f"Problem{status}"
            if shared.setdefault(name, response) == response:
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
        for parameter in operation.get("parameters", ()):
            _drop_null(parameter)
            if parameter["in"] == "path" and parameter["name"] in examples.PARAMETERS:
                parameter["example"] = examples.PARAMETERS[parameter["name"]]
        if operation["operationId"] in examples.REQUESTS:
            content = operation["requestBody"]["content"]["application/json"]
            content["example"] = examples.REQUESTS[operation["operationId"]]


def _add_headers(status: str, response: dict[str, Any]) -> None:
    """Gives problems their own media type, and responses their headers."""
    content = response.get("content", {})
    if MEDIA_TYPE in content:
        content[MEDIA_TYPE] = content.pop("application/json")
    if status in HEADERS:
        response["headers"] = {**response.get("headers", {}), **HEADERS[status]}


def _problems(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the problems that an operation responds with, by status."""
    for status, response in tuple(operation["responses"].items()):
        if MEDIA_TYPE in response.get("content", {}):
            yield status, response


def _drop_null(parameter: dict[str, Any]) -> None:
    """Removes null from a schema: a parameter can be left out, but a path, query or header cannot hold null."""
    schema = parameter["schema"]
    kept = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(kept) == 1:
        parameter["schema"] = {name: value for name, value in schema.items() if name != "anyOf"} | kept[0]
    elif kept:
        schema["anyOf"] = kept
