"""The operators and functions that expressions can call: those of the language's standard, and `lowerAscii`.

Each takes the work of the request and values, and raises EvaluationError if it has no value for them.
"""

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from string import ascii_lowercase, ascii_uppercase

from app.recommender.cel import conversions
from app.recommender.cel.conversions import Function, in_range, not_taken, of_time, whole
from app.recommender.cel.syntax import Uint
from app.recommender.cel.values import CHARACTERS_A_STEP, EvaluationError, Value, are_equal, compared, is_in
from app.recommender.cel.work import Work

LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)


def _add(work: Work, first: Value, second: Value) -> Value:
    kind, other = type(first), type(second)
    if kind is other:
        if kind is float:
            return first + second
        if kind is int or kind is Uint:
            return whole(int(first) + int(second), kind)
        if kind is str or kind is bytes or kind is list:
            work.spend(len(first) + len(second))
            return first + second
    if {kind, other} in ({datetime, timedelta}, {timedelta}):
        return in_range(lambda: first + second)
    raise not_taken("+", first, second)


def _subtract(_: Work, first: Value, second: Value) -> Value:
    kind, other = type(first), type(second)
    if kind is other:
        if kind is float:
            return first - second
        if kind is int or kind is Uint:
            return whole(int(first) - int(second), kind)
    if kind in {datetime, timedelta} and other in {kind, timedelta}:
        return in_range(lambda: first - second)
    raise not_taken("-", first, second)


def _multiply(_: Work, first: Value, second: Value) -> Value:
    kind = type(first)
    if kind is type(second):
        if kind is float:
            return first * second
        if kind is int or kind is Uint:
            return whole(int(first) * int(second), kind)
    raise not_taken("*", first, second)


def _divide(_: Work, first: Value, second: Value) -> Value:
    kind = type(first)
    if kind is type(second):
        if kind is float:
            if second:
                return first / second
            return (
                math.nan
                if not first or math.isnan(first)
                else math.copysign(math.inf, first) * math.copysign(1, second)
            )
        if kind is int or kind is Uint:
            return whole(_quotient(first, second), kind)
    raise not_taken("/", first, second)


def _quotient(first: int, second: int) -> int:
    """Returns the quotient, rounded toward 0 as in C."""
    if second == 0:
        raise EvaluationError("a number is divided by 0")
    quotient = abs(first) // abs(second)
    return quotient if (first < 0) is (second < 0) else -quotient


def _modulo(_: Work, first: Value, second: Value) -> Value:
    kind = type(first)
    if kind is type(second) and (kind is int or kind is Uint):
        return whole(int(first) - _quotient(first, second) * int(second), kind)
    raise not_taken("%", first, second)


def _negate(_: Work, value: Value) -> Value:
    if type(value) is float:
        return -value
    if type(value) is int:
        return whole(-value, int)
    raise not_taken("-", value)


def _not(_: Work, value: Value) -> bool:
    if type(value) is bool:
        return not value
    raise not_taken("!", value)


def _in_order(*signs: int) -> Function:
    """Whether the sign of the comparison is one of these; none is beside a NaN."""
    return lambda work, first, second: compared(first, second, work) in signs


def _size(_: Work, value: Value) -> int:
    if type(value) in {str, bytes, list, dict}:
        return len(value)
    raise not_taken("size", value)


def _of_texts(name: str, function: Callable[[str, str], bool]) -> Function:
    def call(work: Work, text: Value, part: Value) -> bool:
        if type(text) is not str or type(part) is not str:
            raise not_taken(name, text, part)
        work.spend((len(text) + len(part)) // CHARACTERS_A_STEP)
        return function(text, part)

    return call


def _with_case(name: str, table: Mapping[int, int]) -> Function:
    def call(work: Work, text: Value) -> str:
        if type(text) is not str:
            raise not_taken(name, text)
        work.spend(len(text))
        return text.translate(table)

    return call


FUNCTIONS: Mapping[str, Function] = {
    "!_": _not,
    "-_": _negate,
    "_+_": _add,
    "_-_": _subtract,
    "_*_": _multiply,
    "_/_": _divide,
    "_%_": _modulo,
    "_==_": lambda work, first, second: are_equal(first, second, work),
    "_!=_": lambda work, first, second: not are_equal(first, second, work),
    "_<_": _in_order(-1),
    "_<=_": _in_order(-1, 0),
    "_>_": _in_order(1),
    "_>=_": _in_order(0, 1),
    "@in": lambda work, value, container: is_in(value, container, work),
    "size": _size,
    "contains": _of_texts("contains", lambda text, part: part in text),
    "startsWith": _of_texts("startsWith", str.startswith),
    "endsWith": _of_texts("endsWith", str.endswith),
    "lowerAscii": _with_case("lowerAscii", LOWER),
    "upperAscii": _with_case("upperAscii", UPPER),
    "int": conversions.to_int,
    "uint": conversions.to_uint,
    "double": conversions.to_double,
    "bool": conversions.to_bool,
    "string": conversions.to_string,
    "bytes": conversions.to_bytes,
    "dyn": lambda _, value: value,
    "timestamp": conversions.to_timestamp,
    "duration": conversions.to_duration,
    "getFullYear": of_time("getFullYear", lambda time: time.year),
    "getMonth": of_time("getMonth", lambda time: time.month - 1),
    "getDate": of_time("getDate", lambda time: time.day),
    "getDayOfMonth": of_time("getDayOfMonth", lambda time: time.day - 1),
    "getDayOfYear": of_time("getDayOfYear", lambda time: time.timetuple().tm_yday - 1),
    "getDayOfWeek": of_time("getDayOfWeek", lambda time: time.isoweekday() % 7),
    "getHours": of_time("getHours", lambda time: time.hour, 3_600.0),
    "getMinutes": of_time("getMinutes", lambda time: time.minute, 60.0),
    "getSeconds": of_time("getSeconds", lambda time: time.second, 1.0),
    "getMilliseconds": of_time("getMilliseconds", lambda time: time.microsecond // 1_000, 1e-3),
}
