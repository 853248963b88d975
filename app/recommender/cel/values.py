"""Equality and order of values: of two different types, only numbers can be equal or in order."""

from datetime import datetime, timedelta
from typing import Any

from app.recommender.cel.syntax import Uint
from app.recommender.cel.work import Work

Value = Any
"""None, bool, int, Uint, float, str, bytes, datetime, timedelta, or a list of values or a dict of values by str."""

NUMBERS = frozenset({int, float, Uint})
ORDERED = frozenset({str, bytes, bool, datetime, timedelta})
CHARACTERS_A_STEP = 64


class EvaluationError(Exception):
    """An expression has no value for this item; the message says why."""

    missing: str | None = None
    """The property or key that is not there, if that is why."""


class NoSuchKey(EvaluationError):
    """A property or key that is not there."""

    def __init__(self, key: object) -> None:
        super().__init__(f"there is no `{key}`")
        self.missing = str(key)


def are_equal(first: Value, second: Value, work: Work) -> bool:
    """Whether two values are equal. Containers are if all they hold is."""
    kind = type(first)
    if kind in NUMBERS:
        return type(second) in NUMBERS and first == second
    if kind is not type(second):
        return False
    if kind is list:
        work.spend(len(first))
        return len(first) == len(second) and all(
            are_equal(element, other, work) for element, other in zip(first, second, strict=True)
        )
    if kind is dict:
        work.spend(len(first))
        return first.keys() == second.keys() and all(are_equal(first[key], second[key], work) for key in first)
    if kind is str or kind is bytes:
        work.spend(len(first) // CHARACTERS_A_STEP)
    return bool(first == second)


def is_in(value: Value, container: Value, work: Work) -> bool:
    """Whether a list has the value or a map the key.

    Raises:
        EvaluationError: `container` is neither, or the value is no key.
    """
    if type(container) is list:
        work.spend(len(container))
        return any(are_equal(value, element, work) for element in container)
    if type(container) is dict and (type(value) in NUMBERS or type(value) in {str, bool}):
        return type(value) is str and value in container
    raise EvaluationError(f"{name_of(container)} cannot hold {name_of(value)}")


def compared(first: Value, second: Value, work: Work) -> int | None:
    """Returns a negative number, 0 or a positive number as the first is less, equal or greater; None beside a NaN.

    Raises:
        EvaluationError: the values have no order.
    """
    kind = type(first)
    if not (kind in NUMBERS and type(second) in NUMBERS) and not (kind is type(second) and kind in ORDERED):
        raise EvaluationError(f"{name_of(first)} and {name_of(second)} have no order")
    if kind is str or kind is bytes:
        work.spend(len(first) // CHARACTERS_A_STEP)
    if first == second:
        return 0
    return -1 if first < second else 1 if first > second else None


_NAMES = {
    int: "a whole number",
    Uint: "a whole number",
    float: "a number",
    str: "a text",
    bytes: "bytes",
    bool: "true or false",
    list: "a list",
    dict: "a map",
    datetime: "a time",
    timedelta: "a duration",
    type(None): "null",
}


def name_of(value: object) -> str:
    """Returns what kind of value it is, in words."""
    return _NAMES[type(value)]
