"""Watch, delay or fail the calls of a database's client."""

from collections.abc import Callable
from typing import Any

from app.storage.database import Database

Around = Callable[[str, dict[str, Any], Callable[[], dict[str, Any]]], dict[str, Any]]
"""Gets operation, request and the call itself; returns the answer."""


def surround(database: Database, around: Around) -> Callable[[], None]:
    """Sends every call through `around`; returns a function that undoes this."""
    client = database.connection.client
    inner = client._make_api_call  # noqa: SLF001 - what PynamoDB calls

    def call(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return around(operation, request, lambda: inner(operation, request))

    def undo() -> None:
        client._make_api_call = inner  # type: ignore[method-assign]  # noqa: SLF001

    client._make_api_call = call  # type: ignore[method-assign]  # noqa: SLF001
    return undo


def capacities(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the capacity that a call consumed of each table."""
    consumed = answer.get("ConsumedCapacity") or []
    return consumed if isinstance(consumed, list) else [consumed]


def names_of_calls(database: Database, *operations: str) -> list[str]:
    """Returns a list to which the name of each later call is added, or only those of some operations."""
    names: list[str] = []

    def record(operation: str, _request: dict[str, Any], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if not operations or operation in operations:
            names.append(operation)
        return call()

    surround(database, record)
    return names
