"""Reads times in the spellings that files have. None becomes 1970 by accident."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Names of units, and how many make a second."""
SMALLEST = 1e8
"""A smaller number (1973 in seconds) is not taken for a time unless its unit is named."""
LIMITS = (("s", 1e11), ("ms", 1e14), ("us", 1e17), ("ns", 1e20))
"""A number below the limit has this unit: no two units overlap between 1973 and 5138."""
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
DIGITS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
ISO = re.compile(
    r"(\d{4})([-/]?)(\d\d)\2(\d\d)"
    r"(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)
ZONES = (" UTC", " GMT")
WITHOUT_ZONE = re.compile(r"[+-]\d\d:?\d\d$|^.{1,10}$")
"""`2026-01-31 12:00:00 +0000 UTC` names its offset twice; a date has none."""
EXPECTED = "is not a time: write ISO 8601 such as 2026-01-31T12:00:00Z, or seconds or milliseconds since 1970"


def parsed(value: object, unit: str | None = None) -> datetime:
    """Returns a time as a UTC datetime. A time without an offset is UTC.

    Args:
        value: a date, a datetime, a number, or a text with one of them.
        unit: the unit of numbers. None recognizes it by their size.

    Raises:
        ValueError: it is not a time; the message continues a sentence that begins with the value.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str):
        return _of_text(value.strip(), unit)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(EXPECTED)  # noqa: TRY004 - a bad cell
    return _of_text(str(value), unit) if isinstance(value, int) else _of_number(value, unit)


def _of_text(text: str, unit: str | None) -> datetime:
    if NUMBER.fullmatch(text):
        spelled = DIGITS.get(len(text)) if unit is None and text.isdigit() else None
        if spelled is not None:
            try:
                return datetime.strptime(text, spelled).replace(tzinfo=UTC)
            except ValueError:
                pass  # then it is a number
        return _of_number(float(text) if {".", "e", "E"} & set(text) else int(text), unit)
    for zone in ZONES:
        if text.endswith(zone):
            text = text.removesuffix(zone).rstrip()
            text += "" if WITHOUT_ZONE.search(text) else "Z"
    matched = ISO.fullmatch(text)
    if matched is None:
        raise ValueError(EXPECTED)
    year, _, month, day, hour, minute, second, fraction, offset = matched.groups()
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int(f"{fraction or '':0<6.6}"),
            _zone(offset),
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(EXPECTED) from error


def _zone(offset: str | None) -> timezone:
    if offset is None or offset in "Zz":
        return UTC
    digits = offset[1:].replace(":", "")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-distance if offset[0] == "-" else distance)


def _of_number(number: float, unit: str | None) -> datetime:
    if number < 0:
        raise ValueError("is before 1970")
    if unit is None:
        if number < SMALLEST:
            raise ValueError("is too small for seconds since 1970; if it is right, name the unit (--time-unit s)")
        unit = next((name for name, limit in LIMITS if number < limit), None)
    if unit is None:
        raise ValueError("is too large for a time")
    try:
        whole, rest = divmod(number, UNITS[unit])
        return datetime.fromtimestamp(int(whole), UTC) + timedelta(microseconds=round(rest * 1e6 / UNITS[unit]))
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError("is too large for a time") from error
