"""Operations: named after their functions, strict about their query parameters, in threads unless they are alone."""

from collections.abc import Callable, Coroutine
from functools import cached_property, partial
from inspect import iscoroutinefunction
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Cookie, Header, Path
from fastapi.routing import APIRoute

from app.api.http.routing.alone import in_thread_unless_alone
from app.api.http.routing.bodies import outcome, strict
from app.api.http.routing.new_rules import compile_new
from app.api.http.validation import UNKNOWN_PARAMETER


class Operation(APIRoute):
    """A route whose function gives it its names: `put_item` has the operation id putItem and the summary Put item.

    It refuses unknown query parameters before anything else of the request is read.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **settings: Any) -> None:  # noqa: ANN401 - FastAPI's
        words = endpoint.__name__.split("_")
        settings["operation_id"] = words[0] + "".join(map(str.capitalize, words[1:]))
        settings["summary"] = " ".join(words).capitalize()
        if not iscoroutinefunction(endpoint):
            endpoint = in_thread_unless_alone(endpoint)
        super().__init__(path, endpoint, **settings)
        for field in self.dependant.body_params:
            field.validate = partial(outcome, field.validate)  # type: ignore[method-assign]

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
            await compile_new(request.query_params)
            fields = self.dependant.body_params
            return await handle(await strict(request, fields[0]) if fields else request)

        return handle_known
