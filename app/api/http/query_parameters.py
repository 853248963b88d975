"""Refuses unknown query parameters, with the nearest valid name."""

from collections.abc import Callable, Coroutine, Iterable
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Cookie, Header, Path
from fastapi.routing import APIRoute

from app.api.http.operations import Operation

SIMILARITY = 0.5
"""The ratio of equal letters from which a name counts as near."""


class StrictRoute(Operation):
    """A route that refuses unknown query parameters before anything else of the request is read."""

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the query parameters."""
        return names_of(self)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_known(request: Request) -> Response:
            if request.query_params:
                unknown = sorted(set(request.query_params) - self.names)
                if unknown:
                    raise RequestValidationError([_error(name) for name in unknown])
            return await handle(request)

        return handle_known


def _error(name: str) -> dict[str, Any]:
    return {"type": "extra_forbidden", "loc": ("query", name), "msg": "Extra inputs are not permitted"}


def names_of(route: APIRoute) -> frozenset[str]:
    """Return the names of a route's query parameters."""
    return frozenset(
        parameter.alias
        for parameter in get_flat_params(route.dependant)
        if not isinstance(parameter.field_info, Path | Header | Cookie)
    )


def refusal(name: str, names: Iterable[str]) -> str:
    """Return why an unknown name is refused, with the nearest valid name."""
    names = sorted(names)
    if not names:
        return "is not a parameter of this operation, which has no query parameters"
    if nearest := get_close_matches(name, names, n=1, cutoff=SIMILARITY):
        return f"is not a parameter of this operation; did you mean {nearest[0]}?"
    return f"is not a parameter of this operation; valid parameters are {', '.join(names)}"
