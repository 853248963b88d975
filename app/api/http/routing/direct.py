"""Answer valid requests without FastAPI, which finds out again for each of them what a function is called with."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi._compat import ModelField, field_annotation_is_sequence
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from app.api.http.routing.new_rules import compile_new
from app.api.http.routing.operations import Operation


class _NotValid(Exception):
    """A parameter is missing or not valid."""


class Direct(Operation):
    """An operation whose function returns a response; what it depends on are coroutine functions without effects.

    Requests with a body, and those with unknown or invalid parameters, go through FastAPI, which reports what is wrong.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:  # noqa: ANN401 - FastAPI's
        super().__init__(path, endpoint, **settings)
        if self.body_field is None:
            self._arguments, self._through_fastapi = _Arguments(self.dependant), self.app
            self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        arguments = None
        if not self.unknown_names(request):
            await compile_new(request.query_params)
            arguments = await self._arguments.valid(request)
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
