"""Filters and boosts: expressions in CEL (Common Expression Language, cel.dev) over `item`, `user` and `now`.

Google's own implementation checks their types before anything is evaluated, its regular expressions are linear (RE2),
and one evaluation takes at most 10,000 steps of `exists`, `all`, `map` and `filter`.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from app.domain.items import Item
from app.errors import FieldError, InvalidInput

MAX_LENGTH = 2_000
COMPILED = 1_000
LARGEST_BOOST = 1e6
PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
QUOTED = re.compile(r"'([^']*)'")
OVER_BUDGET, TOO_DEEP = "Iteration budget exceeded", "recursion"

Facts = Mapping[str, Any]


class Kind(StrEnum):
    """What an expression gives."""

    FILTER = "filter"
    BOOST = "boost"


TYPES: Mapping[Kind, tuple[str, ...]] = {
    Kind.FILTER: ("BOOL", "DYN"),
    Kind.BOOST: ("DOUBLE", "INT", "UINT", "DYN"),
}
WANTED: Mapping[Kind, str] = {Kind.FILTER: "true or false", Kind.BOOST: "a number"}


@dataclass(frozen=True)
class Rule:
    """A compiled filter or boost."""

    kind: Kind
    source: str
    expression: Any = field(compare=False, repr=False)
    of_item_alone: bool = field(compare=False)
    """Whether it names neither `user` nor `now`, so that what it gives for an item stays until the item changes."""
    uses_user: bool = field(compare=False)

    def value(self, facts: Facts, user: Facts, now: datetime) -> float:
        """1 or 0 for a filter; the factor in [0, 1e6] of a boost.

        Where it cannot be evaluated for an item, because the item has no such property for example, a filter is 0 and
        a boost 1.

        Raises:
            InvalidInput: it takes more than 10,000 steps.
        """
        try:
            given = self.expression.eval(data={"item": facts, "user": user, "now": now}).value()
        except RuntimeError as error:
            if OVER_BUDGET in str(error):
                raise _invalid(self.kind, "takes more than 10,000 steps for one item") from error
            raise
        if self.kind is Kind.FILTER:
            return float(given is True)
        if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
            return 1.0
        return min(max(float(given), 0.0), LARGEST_BOOST)


@lru_cache(COMPILED)
def compiled(kind: Kind, source: str) -> Rule:
    """Check and compile an expression; the same one is compiled once.

    Raises:
        InvalidInput: with line and column of what is wrong.
    """
    if len(source) > MAX_LENGTH:
        raise _invalid(kind, f"has {len(source):,} characters; at most {MAX_LENGTH:,} are taken")
    try:
        source.encode()
        expression = _environment("item", "user", "now").compile(source)
    except UnicodeEncodeError as error:
        raise _invalid(kind, "must not hold unpaired surrogates") from error
    except RuntimeError as error:
        raise _invalid(kind, _told(str(error), source)) from error
    given = expression.return_type().name()
    if given not in TYPES[kind]:
        raise _invalid(kind, f"gives {given.lower()}, but {WANTED[kind]} is needed (line 1, column 1)")
    return Rule(
        kind,
        source,
        expression,
        of_item_alone=_compiles(source, "item"),
        uses_user=not _compiles(source, "item", "now"),
    )


def facts_of(item: Item) -> dict[str, Any]:
    """What an expression sees as `item`: its properties, and its own fields, which win where names are the same.

    Numbers are doubles, as JSON's are in CEL, and times are texts: `timestamp(item.created_at)`.
    """
    return {
        **_plain(item.properties),
        "properties": _plain(item.properties),
        "id": item.item_id,
        "title": item.title or "",
        "categories": list(item.categories),
        "created_at": item.created_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
    }


def facts_of_user(user_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """What an expression sees as `user`."""
    return {**_plain(properties), "properties": _plain(properties), "id": user_id}


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@lru_cache
def _environment(*names: str) -> Any:  # noqa: ANN401 - cel.Env
    from cel_expr_python import cel  # noqa: PLC0415 - 15 MB, which most instances never need

    facts = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    types = {"item": facts, "user": facts, "now": cel.Type.TIMESTAMP}
    return cel.NewEnv(variables={name: types[name] for name in names})


def _compiles(source: str, *names: str) -> bool:
    try:
        _environment(*names).compile(source)
    except RuntimeError:
        return False
    return True


def _told(message: str, source: str) -> str:
    """CEL's first complaint, with its place; what it repeats of the expression is left out."""
    found = PLACE.search(message)
    if found is None:
        return "is nested too deeply" if TOO_DEEP in message else "is not in CEL"
    line, column, text = found.groups()
    text = text.removesuffix(" [INVALID_ARGUMENT]").replace(" (in container '')", "")
    text = QUOTED.sub(lambda one: "what is there" if one[1] in source else one[0], text)
    return f"is not in CEL: {text[:300]} (line {line}, column {column})"


def _invalid(kind: Kind, detail: str) -> InvalidInput:
    return InvalidInput(f"The {kind.value} {detail}.", (FieldError(kind.value, detail),))
