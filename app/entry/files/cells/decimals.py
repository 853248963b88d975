"""Numbers of any size as JSON has them: a number only if that is exactly the same one."""

from decimal import Decimal

LARGEST_INTEGER = 10**15
"""Integers from here on are codes: a client that reads JSON as floats would change them from 2^53 on."""


def is_exact(value: Decimal | int) -> bool:
    """Whether every client reads exactly this value from a number of JSON."""
    if is_whole(value):
        return -LARGEST_INTEGER < value < LARGEST_INTEGER
    return Decimal(repr(float(value))) == value


def is_whole(value: Decimal | int) -> bool:
    """Whether the number has no digits after the point, not even zeros."""
    return isinstance(value, int) or value.as_tuple().exponent == 0


def as_text(value: Decimal | float) -> str:
    """Returns a number, or a truth, with all its digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else repr(value)


def as_number(value: Decimal) -> int | float:
    return int(value) if is_whole(value) else float(value)
