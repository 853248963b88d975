"""Reads times in the spellings that files have. None becomes 1970 by accident, and no day a month."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from app.entry.files.cells.formats import Formats

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Names of units, and how many make a second."""
SMALLEST = 1e8
"""A smaller number (1973 in seconds) is not taken for a time unless its unit is named."""
LIMITS = (("s", 1e11), ("ms", 1e14), ("us", 1e17), ("ns", 1e20))
"""A number below the limit has this unit: no two units overlap between 1973 and 5138."""
EXCEL_DAYS = range(29_221, 73_051)
"""Excel's numbers of the days from 1980 to 2099."""
LARGEST_TICKS = 7e17
"""Ticks (100 ns) since 1601 or since the year 1 would be nanoseconds of 1973 to 1992."""
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
DIGITS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
CLOCK = (
    r"(?:(?:T|,?\s+)(?P<hour>\d\d|\d(?=:))(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?:\s*(?P<half>[AP])\.?M\.?)?\s*(?P<offset>Z|[+-]\d\d(?::?\d\d)?)?)?"
)
FORMS = tuple(
    re.compile(day + CLOCK, re.ASCII | re.IGNORECASE)
    for day in (
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d\d?)(?P=mark)(?P<day>\d\d?)",
        r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
        r"(?P<day>\d\d?)(?P<mark>\.)(?P<month>\d\d?)\.(?P<year>\d{4})",
    )
)
"""ISO 8601, extended and basic, and days with dots: in these the order of day and month is certain."""
UNORDERED = re.compile(
    r"(?P<a>\d\d?)(?P<mark>[-/])(?P<b>\d\d?)(?P=mark)(?P<year>\d{4})" + CLOCK, re.ASCII | re.IGNORECASE
)
DAY_FIRST, MONTH_FIRST, EITHER = "day first", "month first", "day or month first"
ORDERED = frozenset({DAY_FIRST, MONTH_FIRST, EITHER})
MONTHS = 12
ZONES = (" UTC", " GMT")
WITHOUT_ZONE = re.compile(r"[+-]\d\d:?\d\d$|^.{1,10}$")
"""`2026-01-31 12:00:00 +0000 UTC` names its offset twice; a date has none."""
EXPECTED = (
    "is not a time: write ISO 8601 such as 2026-01-31T12:00:00Z, or seconds or milliseconds since 1970, or name its "
    'form in codes of strptime, for example --date-format "%d.%m.%y %H:%M" (in a job: date_format)'
)


def parsed(value: object, formats: Formats, order: str | None = None) -> datetime:
    """Returns a time as a UTC datetime. A time without an offset is UTC.

    Args:
        value: a date, a datetime, a number, or a text with one of them.
        formats: what the user says about times.
        order: whether day or month comes first in a text such as 01/02/2026; None if that is unknown.

    Raises:
        ValueError: it is not a time; the message continues a sentence that begins with the value.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(EXPECTED)  # noqa: TRY004 - a bad cell
    if isinstance(value, float):
        return _of_number(value, formats.time_unit)
    text = str(value).strip()
    if formats.date_format is not None:
        return _of_format(text, formats.date_format)
    return _of_text(text, formats.time_unit, order)


def order_of(text: str) -> str | None:
    """Says whether a text has the day first, the month first, or either. None if it has another form."""
    if not text[1:3].strip("0123456789"):
        return None  # it has no mark after one or two digits, as most times
    matched = UNORDERED.fullmatch(_without_zone(text))
    if matched is None:
        return None
    a, b = int(matched["a"]), int(matched["b"])
    if a > MONTHS:
        return DAY_FIRST
    return MONTH_FIRST if b > MONTHS else EITHER if a != b else None


def _of_format(text: str, date_format: str) -> datetime:
    try:
        moment = datetime.strptime(text, date_format)  # noqa: DTZ007 - the format may have no offset
    except ValueError as error:
        raise ValueError(f"does not have the form {date_format}") from error
    return parsed(moment, Formats())


def _of_text(text: str, unit: str | None, order: str | None) -> datetime:
    if NUMBER.fullmatch(text):
        spelled = DIGITS.get(len(text)) if unit is None and text.isdigit() else None
        if spelled is not None:
            try:
                return datetime.strptime(text, spelled).replace(tzinfo=UTC)
            except ValueError:
                pass  # then it is a number
        return _of_number(float(text) if {".", "e", "E"} & set(text) else int(text), unit)
    text = _without_zone(text)
    for form in FORMS:
        matched = form.fullmatch(text)
        if matched is not None:
            return _moment(matched, matched["month"], matched["day"])
    matched = UNORDERED.fullmatch(text)
    if matched is None:
        raise ValueError(EXPECTED)
    own = order_of(text)
    if own == EITHER and order not in {DAY_FIRST, MONTH_FIRST}:
        raise ValueError(_ambiguous(matched))
    if (order if own == EITHER else own) == MONTH_FIRST:
        return _moment(matched, matched["a"], matched["b"])
    return _moment(matched, matched["b"], matched["a"])


def _without_zone(text: str) -> str:
    """Drops UTC and GMT at the end of a text."""
    for zone in ZONES:
        if text.endswith(zone):
            text = text.removesuffix(zone).rstrip()
            return text if WITHOUT_ZONE.search(text) else f"{text}Z"
    return text


def _moment(matched: re.Match[str], month: str, day: str) -> datetime:
    hour = int(matched["hour"] or 0)
    try:
        if matched["half"]:
            hour = datetime.strptime(f"{hour} {matched['half']}M", "%I %p").hour  # noqa: DTZ007 - only the hour
        moment = datetime(
            int(matched["year"]),
            int(month),
            int(day),
            hour,
            int(matched["minute"] or 0),
            int(matched["second"] or 0),
            int(f"{matched['fraction'] or '':0<6.6}"),
            _zone(matched["offset"]),
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(EXPECTED) from error


def _ambiguous(matched: re.Match[str]) -> str:
    mark, clock = matched["mark"], ""
    if matched["hour"]:
        clock = (" %I" if matched["half"] else " %H") + ":%M" + (":%S" if matched["second"] else "")
        clock += " %p" if matched["half"] else ""
    forms = (f'--date-format "%{first}{mark}%{second}{mark}%Y{clock}"' for first, second in ("dm", "md"))
    return f"may have the day or the month first: name the form, {' or '.join(forms)} (in a job: date_format)"


def _zone(offset: str | None) -> timezone:
    if offset is None or offset in "Zz":
        return UTC
    digits = offset[1:].replace(":", "")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-distance if offset[0] == "-" else distance)


def _of_number(number: float, named: str | None) -> datetime:
    if number < 0:
        raise ValueError("is before 1970")
    unit = named
    if unit is None:
        if int(number) in EXCEL_DAYS:
            raise ValueError(
                "seems to be a day number of Excel; format the column as yyyy-mm-dd hh:mm:ss and save again"
            )
        if number < SMALLEST:
            raise ValueError("is too small for seconds since 1970; name the unit: --time-unit s (in a job: time_unit)")
        unit = next((name for name, limit in LIMITS if number < limit), None)
    if unit is None:
        raise ValueError("is too large for a time")
    if named is None and unit == "ns" and number < LARGEST_TICKS:
        raise ValueError("may be ticks of Windows or .NET; if it is nanoseconds, name the unit: --time-unit ns")
    try:
        whole, rest = divmod(number, UNITS[unit])
        return datetime.fromtimestamp(int(whole), UTC) + timedelta(microseconds=round(rest * 1e6 / UNITS[unit]))
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError("is too large for a time") from error
