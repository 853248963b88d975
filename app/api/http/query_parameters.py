"""The query parameters of an operation, and the nearest one to an unknown name."""

from collections.abc import Iterable
from difflib import get_close_matches

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Cookie, Header, Path
from fastapi.routing import APIRoute

SIMILARITY = 0.5
"""The ratio of equal letters from which a name counts as near."""


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
    if nearest := get_close_matches(name, names, n=1, cutoff=SIMILARITY):
        return f"is not a parameter of this operation; did you mean {nearest[0]}?"
    return f"is not a parameter of this operation; valid parameters are {', '.join(names)}"
