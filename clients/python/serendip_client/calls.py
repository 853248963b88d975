"""How an operation becomes a request, and a response a model."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote
from uuid import uuid4

from pydantic import BaseModel

from serendip_client.errors import SerendipError
from serendip_client.retries import IDEMPOTENCY_KEY

if TYPE_CHECKING:
    import httpx2

JsonObject = Mapping[str, Any]
Body = BaseModel | JsonObject | Sequence[BaseModel | JsonObject]
Request = tuple[str, str, Mapping[str, object], Mapping[str, str | None], Body | None]
"""The method, path, query, headers and body of a request."""
Answer = TypeVar("Answer", bound=BaseModel | None)

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Credentials:
    """The address of a server and what opens it, from arguments or from SERENDIP_URL and SERENDIP_API_KEY."""

    base_url: str
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, base_url: str | None, api_key: str | None, token: str | None) -> Credentials:
        """Returns the credentials of these arguments, completed by environment variables.

        Raises:
            ValueError: there is no address, no credential, or two.
        """
        base_url = base_url or os.environ.get("SERENDIP_URL")
        if not base_url:
            raise ValueError("Pass the server's address as base_url, or set SERENDIP_URL.")
        if api_key and token:
            raise ValueError("Pass an api_key or a token, not both.")
        if token:
            return cls(base_url, {"Authorization": f"Bearer {token}"})
        api_key = api_key or os.environ.get("SERENDIP_API_KEY")
        if not api_key:
            raise ValueError("Pass an api_key or a token, or set SERENDIP_API_KEY.")
        return cls(base_url, {"X-API-Key": api_key})


def in_path(value: str) -> str:
    return quote(value, safe="")


def request_arguments(
    method: str, query: Mapping[str, object], headers: Mapping[str, str | None], body: Body | None
) -> dict[str, Any]:
    """Returns the arguments of httpx for a request; parameters that are None are left out.

    A model sends only the fields that were set, so that its defaults replace nothing that is stored.
    """
    own_headers = {name: value for name, value in headers.items() if value is not None}
    if method == "POST":
        own_headers.setdefault(IDEMPOTENCY_KEY, uuid4().hex)
    arguments: dict[str, Any] = {
        "method": method,
        "params": {name: _in_query(value) for name, value in query.items() if value is not None},
        "headers": own_headers,
    }
    if body is not None:
        arguments["json"] = [_plain(part) for part in body] if isinstance(body, Sequence) else _plain(body)
    return arguments


def _plain(body: BaseModel | JsonObject) -> JsonObject:
    if isinstance(body, BaseModel):
        return body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return dict(body)


def with_fields(body: BaseModel | JsonObject, fields: Sequence[str] | None) -> BaseModel | JsonObject:
    """Returns the body, with the names of fields if there are some.

    Raises:
        ValueError: the body names fields itself.
    """
    if not isinstance(body, BaseModel) and "fields" in body:
        raise ValueError("Pass `fields` as an argument of the method, which then returns another type.")
    return body if fields is None else {**_plain(body), "fields": list(fields)}


def parsed(answer: type[Answer], response: httpx2.Response) -> Answer:
    """Returns the model of a response's body.

    Raises:
        pydantic.ValidationError: the server is newer than the client and answers in another form.
    """
    if issubclass(answer, BaseModel):
        return answer.model_validate_json(response.content)
    return cast("Answer", None)


def checked(response: httpx2.Response) -> httpx2.Response:
    """Returns a successful response.

    Raises:
        SerendipError: the server refused the request, or a record has not changed (304).
    """
    if not response.is_success:
        raise SerendipError(response)
    return response


def _in_query(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
