"""Operations: named after their functions, strict about their query parameters, in threads unless they are alone."""

import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, partial, wraps
from inspect import iscoroutinefunction
from typing import Any

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync
from fastapi import Request, Response
from fastapi._compat import ModelField, field_annotation_is_sequence
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Cookie, Header, Path
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.datastructures import QueryParams
from starlette.types import Message, Receive, Scope, Send

from app.api.http.validation import UNKNOWN_PARAMETER
from app.domain.fields import RepeatedName, json_object

LARGE_BYTES = 8_192
"""Bodies from this size are read in a thread: 700 KB can take 50 ms, for which the event loop would stop."""

_is_alone: ContextVar[bool] = ContextVar("is_alone", default=False)
_reader: RunVar[CapacityLimiter] = RunVar("reader")
"""Lets one thread of an event loop read a body at a time: each takes the interpreter from it for milliseconds."""


@contextmanager
def alone() -> Iterator[None]:
    """Says that the process works on no other request meanwhile, so that functions may block its event loop."""
    token = _is_alone.set(True)
    try:
        yield
    finally:
        _is_alone.reset(token)


def is_alone() -> bool:
    """Whether this may block the event loop."""
    return _is_alone.get()


def _in_thread_unless_alone(function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Makes a function that may block one for the event loop. A thread costs a tenth of a warm recommendation's CPU."""

    @wraps(function)
    async def call(**values: Any) -> Any:  # noqa: ANN401 - the function's
        return function(**values) if is_alone() else await run_sync(partial(function, **values))

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
        for field in self.dependant.body_params:
            field.validate = partial(_outcome, field.validate)  # type: ignore[method-assign]

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

    def unknown_names(self, request: Request) -> set[str]:
        """Returns the names of a request's query parameters that the operation does not have."""
        return set(request.query_params).difference(self.query_names) if request.query_params else set()

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_known(request: Request) -> Response:
            unknown = self.unknown_names(request)
            if unknown:
                context = {"names": self.query_names}
                raise RequestValidationError(
                    [{"type": UNKNOWN_PARAMETER, "loc": ("query", name), "ctx": context} for name in sorted(unknown)]
                )
            fields = self.dependant.body_params
            return await handle(await _strict(request, fields[0]) if fields else request)

        return handle_known


def _one_reader() -> CapacityLimiter:
    try:
        return _reader.get()
    except LookupError:
        _reader.set(CapacityLimiter(1))
        return _reader.get()


def _outcome(validate: Callable[..., Any], value: Any, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - FastAPI's
    """Validates a body unless a thread has done so, in which case the value is the result."""
    return value.result() if isinstance(value, Future) else validate(value, *arguments, **more)


class _StrictRequest(Request):
    """A request whose JSON may not have a name twice in an object; a thread reads and validates a large one."""

    body_field: ModelField

    async def json(self) -> Any:  # noqa: ANN401 - JSON
        body = await self.body()
        if len(body) < LARGE_BYTES or is_alone():
            return _parsed(body)
        return await run_sync(self._validated, body, limiter=_one_reader())

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


async def _strict(request: Request, body_field: ModelField) -> Request:
    """Returns the same request, whose body another reader may have read already."""
    body = await request.body()

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    strict = _StrictRequest(request.scope, receive)
    strict.body_field = body_field
    return strict


class _NotValid(Exception):
    """A parameter is missing or not valid."""


class Direct(Operation):
    """An operation whose function returns a response; what it depends on are coroutine functions without effects.

    Valid requests do not pass through FastAPI, which finds out again for each what the function is called with.

    Requests with a body, and those with unknown or invalid parameters, go through FastAPI, which reports what is wrong.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:  # noqa: ANN401 - FastAPI's
        super().__init__(path, endpoint, **settings)
        if self.body_field is None:
            self._arguments, self._through_fastapi = _Arguments(self.dependant), self.app
            self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        arguments = None if self.unknown_names(request) else await self._arguments.valid(request)
        if arguments is None:
            await self._through_fastapi(scope, receive, send)
            return
        response: Response = await self.endpoint(**arguments)
        await response(scope, receive, send)


class _Arguments:
    """What a function is called with: parameters of a request, results of other functions, or the request itself."""

    def __init__(self, dependant: Dependant) -> None:
        self._request_name = dependant.request_param_name or dependant.http_connection_param_name
        self._path = [_Parameter(field) for field in dependant.path_params]
        self._query = [_Parameter(field) for field in dependant.query_params]
        self._results = [
            (each.name, each.call, _Arguments(each)) for each in dependant.dependencies if each.name and each.call
        ]

    async def valid(self, request: Request) -> dict[str, Any] | None:
        """Returns the arguments; None if a parameter is not valid."""
        try:
            return await self.of(request)
        except _NotValid:
            return None

    async def of(self, request: Request) -> dict[str, Any]:
        values = {name: await call(**await arguments.of(request)) for name, call, arguments in self._results}
        values |= {parameter.name: parameter.value(request.path_params) for parameter in self._path}
        values |= {parameter.name: parameter.value(request.query_params) for parameter in self._query}
        if self._request_name is not None:
            values[self._request_name] = request
        return values


class _Parameter:
    """A parameter of a path or query. If its type is a model, it stands for the parameters that are its fields."""

    def __init__(self, field: ModelField) -> None:
        self.name, self._field = field.name, field
        form: Any = field.field_info.annotation
        self._is_model = isinstance(form, type) and issubclass(form, BaseModel)
        parts = form.model_fields if self._is_model else {field.name: field.field_info}
        self._are_lists = {
            part.alias or name: field_annotation_is_sequence(part.annotation) for name, part in parts.items()
        }
        """Whether a parameter can be sent several times, by its name in the request."""

    def value(self, sent: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the parameter's type
        """Raises _NotValid."""
        values = {name: _value(sent, name, self._are_lists[name]) for name in sent if name in self._are_lists}
        if not self._is_model and not values:
            if self._field.field_info.is_required():
                raise _NotValid
            return self._field.get_default()
        value, errors = self._field.validate(values if self._is_model else values.popitem()[1])
        if errors:
            raise _NotValid
        return value


def _value(sent: Mapping[str, Any], name: str, is_list: bool) -> Any:  # noqa: ANN401, FBT001
    return sent.getlist(name) if is_list and isinstance(sent, QueryParams) else sent[name]
