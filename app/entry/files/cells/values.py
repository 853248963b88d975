"""Converts the cells of a row to the types that the API accepts."""

import ast
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.domain.fields import RepeatedName
from app.entry.files import json_values
from app.entry.files.cells import times
from app.entry.files.cells.column_types import BOOLEAN, DECIMAL, IDS, INTEGER, MISSING, SINGLE_PRECISION, TEXT, WHOLE
from app.entry.files.cells.decimals import as_number, as_text
from app.entry.files.cells.formats import COMMA, NAME_COMMA, Formats, Notation

LIST_SEPARATOR = "|"
NO_GENRE = "(no genres listed)"
EXACT = 2.0**53
EXACT_SINGLE = 2.0**24
"""Floats (of 32 bits) from here on do not stand for one whole number."""
BOOLEANS = dict.fromkeys(("true", "t", "1", "yes", "y"), True) | dict.fromkeys(("false", "f", "0", "no", "n"), False)
SHORTENED = re.compile(r"\d([.,]\d+)?E\+\d+", re.ASCII)
"""A long number as spreadsheets show and save it, without most of its digits."""
OWN_IDS = ("user_id", "session_id", "item_id")


class BadCell(Exception):
    """A cell that cannot be what its column says."""

    def __init__(self, column: str, value: object, problem: str) -> None:
        super().__init__(problem)
        self.column, self.value, self.problem = column, value, problem


def is_missing(value: object, *, is_json: bool) -> bool:
    """Whether a cell is empty. JSON has null for that; there, the text NULL is a text."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip() if is_json else value.strip() in MISSING
    return isinstance(value, float) and math.isnan(value)


def converted(ours: str, column: str, value: object, type_: str | None, formats: Formats) -> object:
    """Returns a filled cell as the value of our field.

    Args:
        ours: the field.
        column: the file's column, for the error.
        value: the cell.
        type_: the type of the column if it is text.
        formats: how the file writes numbers and times.

    Raises:
        BadCell: it cannot be converted.
    """
    if isinstance(value, str):
        value = value.strip()
    elif isinstance(value, bytes):
        value = _decoded(column, value)
    elif isinstance(value, Decimal):
        whole = int(value)
        value = whole if whole == value else as_text(value) if ours in IDS else as_number(value)
    try:
        if ours in {"timestamp", "expires_at"}:
            return times.parsed(value, formats, type_).isoformat()
        if ours == "value":
            return _number(value, formats.notation)
        if ours in CONVERTERS:
            return CONVERTERS[ours](value)
    except ValueError as error:
        raise BadCell(column, value, str(error)) from error
    text = _text(column, value, type_)
    if "+" in text and ours in IDS and SHORTENED.fullmatch(text):
        raise BadCell(
            column, value, "was shortened by a spreadsheet: format the column as a whole number and save again"
        )
    if ours in OWN_IDS and not (text.isalnum() or any(map(str.isalnum, text))):
        raise BadCell(column, value, "has no letter or digit, so it is not an id")
    return "_".join(text.split()) if ours == "event_type" else text


def _text(column: str, value: object, type_: str | None) -> str:
    if isinstance(value, str):
        return value.partition(".")[0] if type_ == WHOLE else value
    if isinstance(value, dict | list | tuple):
        raise BadCell(column, value, "is an object or a list; write what belongs here as a text in a column of its own")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadCell(column, value, "is neither text nor a number")
    if isinstance(value, float) and abs(value) >= (EXACT_SINGLE if type_ == SINGLE_PRECISION else EXACT):
        raise BadCell(
            column, value, "is a fraction of so many digits that it is not exact; write ids as text or integers"
        )
    return str(int(value)) if float(value).is_integer() else repr(value)


def as_property(column: str, value: object, type_: str | None, notation: Notation, *, is_json: bool) -> object:
    """Returns a filled cell as a property of its column's type; text of JSON, lists and objects stay as they are.

    Raises:
        BadCell: JSON cannot hold it.
    """
    unknown = _unknown_to_json(value)
    if unknown is not None:
        raise BadCell(column, value, f"is or holds {unknown}, which JSON cannot hold")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | int | float):
        return as_text(value) if type_ == TEXT else as_number(value) if isinstance(value, Decimal) else value
    if not isinstance(value, str) or is_json:
        return value
    value = value.strip()
    if type_ == BOOLEAN:
        return value.lower() == "true"
    if type_ == INTEGER:
        return int(notation.plain(value))
    return float(notation.plain(value)) if type_ == DECIMAL else value


def _unknown_to_json(value: object) -> str | None:
    """What a value is, or holds inside, that JSON does not know."""
    if isinstance(value, str | int):
        return None
    if isinstance(value, bytes):
        return "binary data"
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that is not finite"
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next(filter(None, map(_unknown_to_json, inside)), None)


def _decoded(column: str, value: bytes) -> str:
    """Text that an engine wrote as bytes."""
    try:
        return value.decode().strip()
    except UnicodeDecodeError as error:
        raise BadCell(column, value, "is binary data, not text") from error


def _number(value: object, notation: Notation) -> object:
    if not isinstance(value, str):
        return value
    if not notation.numbers.fullmatch(value):
        raise ValueError(f"{notation.problem}; {NAME_COMMA}" if COMMA.numbers.fullmatch(value) else notation.problem)
    return float(notation.plain(value))


def _boolean(value: object) -> object:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower().removesuffix(".0")
    if text not in BOOLEANS:
        raise ValueError("is neither true nor false")
    return BOOLEANS[text]


def _categories(value: object) -> object:
    if isinstance(value, str):
        text = value.strip()
        value = _list(text) if text.startswith("[") and text.endswith("]") else text.split(LIST_SEPARATOR)
    if not isinstance(value, list | tuple):
        value = [value]
    plain = [_category(category) for category in value if category is not None]
    return [category for category in plain if category and category != NO_GENRE]


def _category(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value.strip() if isinstance(value, str) else value
    return str(int(value)) if float(value).is_integer() else repr(value)


def _list(text: str) -> object:
    """A list as JSON or as Python writes it."""
    try:
        return json_values.parsed(text.encode())
    except ValueError:
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text.split(LIST_SEPARATOR)


def _properties(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json_values.parsed(value.encode())
    except RepeatedName as error:
        raise ValueError(f"is ambiguous: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON: {error}") from error


CONVERTERS: Mapping[str, Callable[[Any], object]] = {
    "hidden": _boolean,
    "liked": _boolean,
    "categories": _categories,
    "properties": _properties,
}
"""How to convert fields that are not text."""
