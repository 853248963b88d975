"""Functions that convert values, and those of times; the operators share the limits of numbers and times.

Each function takes the work of the request and values, and raises EvaluationError if it has no value for them.
"""

import math
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TypeVar

from app.recommender.cel.syntax import Uint
from app.recommender.cel.values import EvaluationError, Value, name_of
from app.recommender.cel.work import Work

Function = Callable[..., Value]
T = TypeVar("T")

INT_MIN, INT_MAX, UINT_MAX = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1
MOST_DIGITS = 20
"""Of a text that is a whole number."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
OFFSET = re.compile(r"(?P<sign>[+-]?)(?P<hours>\d\d):(?P<minutes>\d\d)")
DURATION = re.compile(r"[+-]?(0|(\d+(\.\d*)?|\.\d+)(h|ms|us|µs|μs|ns|m|s))+")
DURATION_PART = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)(?P<unit>h|ms|us|µs|μs|ns|m|s)")
MOST_DURATION_CHARACTERS = 100
STEPS_OF_A_ZONE = 20
SECONDS = {"h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}


def not_taken(name: str, *values: object) -> EvaluationError:
    return EvaluationError(f"{name} does not take {' and '.join(name_of(value) for value in values)}")


def whole(value: int, kind: type[int]) -> int:
    if kind is int and INT_MIN <= value <= INT_MAX:
        return value
    if kind is Uint and 0 <= value <= UINT_MAX:
        return Uint(value)
    raise EvaluationError("a whole number is too large")


def in_range(time: Callable[[], T]) -> T:
    try:
        return time()
    except OverflowError as error:
        raise EvaluationError("a time is out of range") from error


def to_int(_: Work, value: Value) -> int:
    return whole(_truncated("int", value), int)


def to_uint(_: Work, value: Value) -> int:
    return whole(_truncated("uint", value), Uint)


def _truncated(name: str, value: Value) -> int:
    kind = type(value)
    if kind is int or kind is Uint or (kind is bool and name == "int"):
        return int(value)
    if kind is float and math.isfinite(value):
        return int(value)
    if kind is str and len(value) <= MOST_DIGITS and re.fullmatch(r"-?[0-9]+", value):
        return int(value)
    if kind is datetime and name == "int":
        return int((value - EPOCH) // timedelta(seconds=1))
    raise not_taken(name, value)


def to_double(_: Work, value: Value) -> float:
    kind = type(value)
    if kind in {int, Uint, float}:
        return float(value)
    if kind is str and "_" not in value:
        with suppress(ValueError):
            return float(value)
    raise not_taken("double", value)


def to_bool(_: Work, value: Value) -> bool:
    if type(value) is bool:
        return value
    if type(value) is str and value in {"true", "True", "TRUE", "t", "1"}:
        return True
    if type(value) is str and value in {"false", "False", "FALSE", "f", "0"}:
        return False
    raise not_taken("bool", value)


def to_string(work: Work, value: Value) -> str:  # noqa: PLR0911 - one for each kind of value
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is Uint:
        return str(int(value))
    if kind is float:
        return f"{value:g}" if f"{value:g}" == repr(value).removesuffix(".0") else repr(value).removesuffix(".0")
    if kind is bytes:
        work.spend(len(value))
        try:
            return str(value, "utf-8")
        except UnicodeDecodeError as error:
            raise EvaluationError("bytes are not text in UTF-8") from error
    if kind is datetime:
        return str(value.astimezone(UTC).isoformat()).replace("+00:00", "Z")
    if kind is timedelta:
        return f"{value / timedelta(seconds=1):.6f}".rstrip("0").rstrip(".") + "s"
    raise not_taken("string", value)


def to_bytes(work: Work, value: Value) -> bytes:
    if type(value) is str:
        work.spend(len(value))
        return value.encode("utf-8", "surrogatepass")
    if type(value) is bytes:
        return value
    raise not_taken("bytes", value)


def to_timestamp(_: Work, value: Value) -> datetime:
    if type(value) is datetime:
        return value
    try:
        if type(value) is int:
            return EPOCH + timedelta(seconds=value)
        if type(value) is str and TIME.fullmatch(value):
            return datetime.fromisoformat(value.upper())
    except (ValueError, OverflowError) as error:
        raise EvaluationError("there is no such time") from error
    if type(value) is str:
        raise EvaluationError("timestamp takes texts like 2026-11-28T12:00:00Z")
    raise not_taken("timestamp", value)


def to_duration(_: Work, value: Value) -> timedelta:
    if type(value) is timedelta:
        return value
    if type(value) is not str:
        raise not_taken("duration", value)
    if len(value) > MOST_DURATION_CHARACTERS or not DURATION.fullmatch(value):
        raise EvaluationError("duration takes texts like 36h or 1h30m")
    seconds = sum(float(part["number"]) * SECONDS[part["unit"]] for part in DURATION_PART.finditer(value))
    return in_range(lambda: timedelta(seconds=-seconds if value.startswith("-") else seconds))


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - most instances never need it

    offset = OFFSET.fullmatch(name)
    try:
        if offset is None:
            return ZoneInfo(name)
        minutes = int(offset["hours"]) * 60 + int(offset["minutes"])
        return timezone(timedelta(minutes=-minutes if offset["sign"] == "-" else minutes))
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise EvaluationError("there is no such time zone") from error


def of_time(name: str, part: Callable[[datetime], int], of_duration: float | None = None) -> Function:
    def call(work: Work, value: Value, zone: Value = None) -> int:
        if type(value) is timedelta and of_duration is not None and zone is None:
            total = value / timedelta(seconds=1)
            return int(math.fmod(total, 1) * 1_000 if name == "getMilliseconds" else total / of_duration)
        if type(value) is not datetime or type(zone) not in {str, type(None)}:
            raise not_taken(name, value)
        work.spend(STEPS_OF_A_ZONE)
        return part(in_range(lambda: value.astimezone(UTC if zone is None else _zone(zone))))

    return call
