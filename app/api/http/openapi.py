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


def describe(app: FastAPI, deprecations: Deprecations) -> None:
    """Complete the document, which FastAPI makes on the first request for it."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        known = app.openapi_schema is not None
        load_all(app)
        document = generate()
        if not known:
            operations = list(_operations(document))
            deprecations.mark(operations)
            for operation in operations:
                _complete(operation)
                for parameter in operation.get("parameters", ()):
                    _without_null(parameter)
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _complete(operation: dict[str, Any]) -> None:
    """Give problems their own media type, and answers their headers."""
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if MEDIA_TYPE in content:
            content[MEDIA_TYPE] = content.pop("application/json")
        if status in HEADERS:
            response["headers"] = {**response.get("headers", {}), **HEADERS[status]}


def _without_null(parameter: dict[str, Any]) -> None:
    """A parameter can be left out, but there is no way to send null in a path, a query or a header."""
    schema = parameter["schema"]
    kept = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(kept) == 1:
        parameter["schema"] = {name: value for name, value in schema.items() if name != "anyOf"} | kept[0]
    elif kept:
        schema["anyOf"] = kept
