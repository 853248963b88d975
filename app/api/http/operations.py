"""Operations: named after their functions, strict about their query parameters, in threads unless they are alone."""

import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, partial, wraps
from inspect import iscoroutinefunction
from typing import Any

from anyio.to_thread import run_sync
from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Cookie, Header, Path
from fastapi.routing import APIRoute
from starlette.types import Message

from app.api.http.validation import UNKNOWN_PARAMETER
from app.domain.fields import RepeatedName, json_object

_is_alone: ContextVar[bool] = ContextVar("is_alone", default=False)


@contextmanager
def alone() -> Iterator[None]:
    """Says that the process works on no other request meanwhile, so that functions may block its event loop."""
    token = _is_alone.set(True)
    try:
        yield
    finally:
        _is_alone.reset(token)


def _in_thread_unless_alone(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Makes a function that may block one for the event loop. A thread costs a tenth of a warm recommendation's CPU."""

    @wraps(function)
    async def call(**values: Any) -> Any:  # noqa: ANN401 - the function's
        return function(**values) if _is_alone.get() else await run_sync(partial(function, **values))

    return call


class Operation(APIRoute):
    """A route whose function gives it its names: `put_item` has the operation id putItem and the summary Put item.

    It refuses unknown query parameters before anything else of the request is read.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:  # noqa: ANN401 - FastAPI's
        words = endpoint.__name__.split("_")
        settings["operation_id"] = words[0] + "".join(map(str.capitalize, words[1:]))
        settings["summary"] = " ".join(words).capitalize()
        if not iscoroutinefunction(endpoint):
            endpoint = _in_thread_unless_alone(endpoint)
        super().__init__(path, endpoint, **settings)

    @cached_property
    def query_names(self) -> tuple[str, ...]:
        """The names of the query parameters."""
        parameters = get_flat_params(self.dependant)
        return tuple(
            sorted(each.alias for each in parameters if not isinstance(each.field_info, Path | Header | Cookie))
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the query parameters, and of the fields of the body."""
        body = self.body_field and self.body_field.field_info.annotation
        return (*self.query_names, *getattr(body, "model_fields", ()))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_known(request: Request) -> Response:
            if request.query_params:
                unknown = sorted(set(request.query_params).difference(self.query_names))
                if unknown:
                    context = {"names": self.query_names}
                    raise RequestValidationError(
                        [{"type": UNKNOWN_PARAMETER, "loc": ("query", name), "ctx": context} for name in unknown]
                    )
            return await handle(await _strict(request) if self.body_field else request)

        return handle_known


class _StrictRequest(Request):
    """A request whose JSON may not have a name twice in an object."""

    async def json(self) -> Any:  # noqa: ANN401 - JSON
        body = await self.body()
        try:
            return json.loads(body.decode(), object_pairs_hook=json_object)
        except UnicodeDecodeError as error:
            raise json.JSONDecodeError("it is not encoded in UTF-8", "", 0) from error
        except RepeatedName as error:
            raise json.JSONDecodeError(str(error), "", 0) from error


async def _strict(request: Request) -> Request:
    """Returns the same request, whose body another reader may have read already."""
    body = await request.body()

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    return _StrictRequest(request.scope, receive)
