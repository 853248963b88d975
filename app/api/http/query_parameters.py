"""Refuses unknown query parameters, with the nearest valid name."""

from collections.abc import Callable, Coroutine, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Cookie, Header, Path

from app.api.http.operations import Operation

SIMILARITY = 0.5
"""The ratio of equal letters from which a name counts as near."""


class StrictRoute(Operation):
    """A route that refuses unknown query parameters before anything else of the request is read."""

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the query parameters."""
        return frozenset(
            parameter.alias
            for parameter in get_flat_params(self.dependant)
            if not isinstance(parameter.field_info, Path | Header | Cookie)
        )

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_known(request: Request) -> Response:
            if request.query_params:
                unknown = sorted(set(request.query_params) - self.names)
                if unknown:
                    raise RequestValidationError([self._error(name) for name in unknown])
            return await handle(request)

        return handle_known

    def _error(self, name: str) -> dict[str, Any]:
        return {"type": "unknown_parameter", "loc": ("query", name), "msg": _refusal(name, sorted(self.names))}


def _refusal(name: str, names: Sequence[str]) -> str:
    """Returns why an unknown name is refused, with the nearest valid name."""
    if not names:
        return "is not a parameter of this operation, which has no query parameters"
    if nearest := get_close_matches(name, names, n=1, cutoff=SIMILARITY):
        return f"is not a parameter of this operation; did you mean {nearest[0]}?"
    return f"is not a parameter of this operation; valid parameters are {', '.join(names)}"
