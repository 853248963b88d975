"""Decimals and integers of any size as JSON has them: a number only if that is exactly the same one."""

from decimal import Decimal

LARGEST_INTEGER = 2**63


def is_exact(value: Decimal | int) -> bool:
    """Whether a number of JSON, which is a 64-bit integer or float, has exactly this value."""
    if is_whole(value):
        return -LARGEST_INTEGER <= value < LARGEST_INTEGER
    return Decimal(repr(float(value))) == value


def is_whole(value: Decimal | int) -> bool:
    """Whether the number has no digits after the point, not even zeros."""
    return isinstance(value, int) or value.as_tuple().exponent == 0


def as_json(value: Decimal | int, *, as_text: bool) -> str | int | float:
    """Returns a text with all digits, or a number."""
    if as_text:
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    return int(value) if is_whole(value) else float(value)
