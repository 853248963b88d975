"""Filters and boosts: expressions in CEL (Common Expression Language, cel.dev) over `item`, `user` and `now`.

Google's implementation parses and checks types; `app.recommender.cel` evaluates with bounded work.
"""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from threading import Lock
from typing import Any, Self

from cachetools import LRUCache, cached

from app.domain.items import Item
from app.errors import FieldError, InvalidInput
from app.recommender.cel import mistakes, syntax
from app.recommender.cel.evaluation import Expression, Unsupported
from app.recommender.cel.values import EvaluationError
from app.recommender.cel.work import TooMuchWork, Work

MAX_LENGTH = 2_000
COMPILED = 1_000
LARGEST_BOOST = 1e6
LARGEST_DOUBLE = int(sys.float_info.max)

Facts = Mapping[str, Any]


class Kind(StrEnum):
    """Kind of an expression, which determines the type of its value."""

    FILTER = "filter"
    BOOST = "boost"


TYPES: Mapping[Kind, tuple[str, ...]] = {
    Kind.FILTER: ("BOOL", "DYN"),
    Kind.BOOST: ("DOUBLE", "INT", "UINT", "DYN"),
}
EXPECTED: Mapping[Kind, str] = {Kind.FILTER: "true or false", Kind.BOOST: "a number"}


class Failed(float):
    """The value of a rule that cannot be evaluated for an item.

    It is kept, so it holds no exception: that would keep the frames, and with them the user, that it went through.
    """

    reason: str
    missing: str | None
    """The key that is not there, if that is the reason."""

    def __new__(cls, value: float, reason: str, missing: str | None = None) -> Self:
        failed = super().__new__(cls, value)
        failed.reason, failed.missing = reason, missing
        return failed


@dataclass(frozen=True)
class Rule:
    """A compiled filter or boost."""

    kind: Kind
    source: str
    expression: Expression = field(compare=False, repr=False)
    of_item_alone: bool = field(compare=False)
    """Whether it uses neither `user` nor `now`, so that its value for an item can be cached until the item changes."""
    uses_user: bool = field(compare=False)

    def value(self, facts: Facts, user: Facts, now: datetime, work: Work) -> float:
        """Returns 1 or 0 for a filter, and a factor in [0, 1e6] for a boost.

        If the expression cannot be evaluated for an item, for example because the item lacks a property, a filter is 0
        and a boost 1, as Failed.

        Raises:
            InvalidInput: the expressions of the request take more steps than they may.
        """
        try:
            value = self.expression.value({"item": facts, "user": user, "now": now}, work)
        except EvaluationError as error:
            return Failed(float(self.kind is Kind.BOOST), str(error), error.missing)
        except TooMuchWork as error:
            raise _invalid(self.kind, "takes too many steps for this many items") from error
        if self.kind is Kind.FILTER:
            if value is True or value is False:
                return float(value)
            return Failed(0.0, "its value is neither true nor false")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return Failed(1.0, "its value is not a number")
        return min(max(float(value), 0.0), LARGEST_BOOST)


_outcomes: LRUCache[tuple[Kind, str], Rule | str] = LRUCache(COMPILED)


def compiled(kind: Kind, source: str) -> Rule:
    """Checks and compiles an expression; results are cached.

    Raises:
        InvalidInput: the expression is not valid; the message has line and column.
    """
    if len(source) > MAX_LENGTH:
        raise _invalid(kind, f"has {len(source):,} characters; at most {MAX_LENGTH:,} are allowed")
    outcome = _outcome(kind, source)
    if isinstance(outcome, str):
        raise _invalid(kind, outcome)
    return outcome


def is_known(kind: Kind, source: str) -> bool:
    """Whether `compiled` has the result, so that it takes no time."""
    return len(source) > MAX_LENGTH or (kind, source) in _outcomes


@cached(_outcomes, lock=Lock())
def _outcome(kind: Kind, source: str) -> Rule | str:
    """Returns the compiled expression, or what is wrong with it."""
    try:
        return _rule(kind, source)
    except Unsupported as error:
        return str(error)


def _rule(kind: Kind, source: str) -> Rule:
    """Raises Unsupported; the message says what is wrong."""
    try:
        source.encode()
        checked = _environment().compile(source)
    except UnicodeEncodeError as error:
        raise Unsupported("must not contain unpaired surrogates") from error
    except RuntimeError as error:
        raise Unsupported(mistakes.in_words(str(error), source)) from error
    type_name = checked.return_type().name()
    if type_name not in TYPES[kind]:
        raise Unsupported(f"gives {type_name.lower()}, but {EXPECTED[kind]} is needed (line 1, column 1)")
    tree = syntax.tree(checked.serialize())
    expression = Expression(tree)
    names = syntax.names(tree)
    return Rule(kind, source, expression, of_item_alone=names.isdisjoint(("user", "now")), uses_user="user" in names)


def facts_of(item: Item) -> dict[str, Any]:
    """Returns the value of `item` in expressions: its properties and fields; a field wins over a property of its name.

    Numbers are doubles, as JSON numbers are in CEL, and times are strings: `timestamp(item.created_at)`.
    """
    properties = _plain(item.properties)
    return {
        **properties,
        "properties": properties,
        "id": item.item_id,
        "title": item.title or "",
        "categories": list(item.categories),
        "created_at": item.created_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
    }


def facts_of_user(user_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the value of `user` in expressions."""
    plain = _plain(properties)
    return {**plain, "properties": plain, "id": user_id}


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) <= LARGEST_DOUBLE else math.inf if value > 0 else -math.inf
    return value


@lru_cache
def _environment() -> Any:  # noqa: ANN401 - cel.Env
    from cel_expr_python import cel  # noqa: PLC0415 - 15 MB that most instances never need

    text, facts = cel.Type.STRING, cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    return cel.NewEnv(
        variables={"item": facts, "user": facts, "now": cel.Type.TIMESTAMP},
        functions=[
            cel.FunctionDecl(name, [cel.Overload(f"string_{name}", text, [text], is_member=True)])
            for name in ("lowerAscii", "upperAscii")
        ],
    )


def _invalid(kind: Kind, detail: str) -> InvalidInput:
    return InvalidInput(f"The {kind.value} {detail}.", (FieldError(kind.value, detail),))
