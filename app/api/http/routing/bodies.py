"""Read bodies: JSON without repeated names, large ones in a thread."""

import json
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from fastapi import Request
from fastapi._compat import ModelField
from starlette.types import Message

from app.api.http.routing.alone import in_thread_one_at_a_time, is_alone
from app.api.http.routing.new_rules import compile_new
from app.domain.fields import RepeatedName, json_object

LARGE_BYTES = 8_192
"""Bodies from this size are read in a thread: 700 KB can take 50 ms, for which the event loop would stop."""


def outcome(validate: Callable[..., Any], value: Any, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - FastAPI's
    """Validates a body unless a thread has done so, in which case the value is the result."""
    return value.result() if isinstance(value, Future) else validate(value, *arguments, **more)


class _StrictRequest(Request):
    """A request whose JSON may not have a name twice in an object; a thread reads and validates a large one."""

    body_field: ModelField

    async def json(self) -> Any:  # noqa: ANN401 - JSON
        body = await self.body()
        if len(body) < LARGE_BYTES or is_alone():
            value = _parsed(body)
            if isinstance(value, dict):
                await compile_new(value)
            return value
        return await in_thread_one_at_a_time(self._validated, body)

    def _validated(self, body: bytes) -> "Future[Any]":
        """Returns what validation gives, errors as well: they come after those of the credentials."""
        value, validated = _parsed(body), Future[Any]()
        try:
            validated.set_result(self.body_field.validate(value, loc=("body",)))
        except Exception as error:  # noqa: BLE001 - raised when the result is asked for
            validated.set_exception(error)
        return validated


def _parsed(body: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(body.decode(), object_pairs_hook=json_object)
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError("it is not encoded in UTF-8", "", 0) from error
    except RepeatedName as error:
        raise json.JSONDecodeError(str(error), "", 0) from error


async def strict(request: Request, body_field: ModelField) -> Request:
    """Returns the same request, whose body another reader may have read already."""
    body = await request.body()

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    strict_request = _StrictRequest(request.scope, receive)
    strict_request.body_field = body_field
    return strict_request
