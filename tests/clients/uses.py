"""How a client calls each operation of the document."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

import orjson

from tests.clients.python_source import operations
from tests.openapi import published
from tests.support.operations import CALLS, Call

FORBIDDEN = 403
REFUSED = {"cancelModel": 409, "startJob": 409}
"""The operations that need a training in progress or an uploaded file, and are refused."""
PUBLIC = {"live": Call("GET", "/health/live"), "ready": Call("GET", "/health/ready")}


@dataclass
class Use:
    """A call of an operation."""

    operation_id: str
    python_name: str
    method: str
    path: str
    values: dict[str, str]
    """The parameters of the path."""
    query: dict[str, str]
    body: Any
    needs_administrator: bool

    def with_names(self, names: Mapping[str, str]) -> "Use":
        """Returns the use with the values of names such as `{version}`."""
        text = orjson.dumps([self.values, self.body]).decode()
        for name, value in names.items():
            text = text.replace(name, value)
        values, body = orjson.loads(text)
        return replace(self, values=values, body=body)


def uses() -> Iterator[Use]:
    """Yields a use of every operation of the document, in an order in which they succeed."""
    by_name = {operation.name: operation for operation in operations(published())}
    for operation_id, call in {**CALLS, **PUBLIC}.items():
        operation = by_name.pop(re.sub(r"([A-Z])", r"_\1", operation_id).lower())
        path, _, query = call.url.partition("?")
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(operation.path))
        values = re.fullmatch(pattern, path)
        assert values is not None, (operation.path, path)
        yield Use(
            operation_id,
            operation.name,
            operation.method,
            operation.path,
            values.groupdict(),
            dict(parse_qsl(query)),
            call.body,
            needs_administrator=call.elsewhere == FORBIDDEN,
        )
    assert list(by_name) == [], "these operations have no call"
