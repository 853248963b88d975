"""Parses JSON without changing numbers or dropping what stands twice."""

import json
import re
from typing import Any

import orjson

from app.domain.fields import json_object

LONG_NUMBER = re.compile(rb"\d{19}")
"""orjson makes floats of integers that exceed 64 bits."""
NAME = re.compile(rb'"\s*:')
"""The end of a name in JSON; text may contain it too."""
SMALLEST_INTEGER, LARGEST_INTEGER = -(2**63), 2**63 - 1


def parsed(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """Returns a value; integers of more than 64 bits are codes and become text. Raises ValueError."""
    if LONG_NUMBER.search(content) is None:
        fields = orjson.loads(content)
        if len(NAME.findall(content)) == _names(fields):
            return fields  # otherwise a name may occur twice
    return json.loads(content, parse_int=_integer, parse_constant=_refused, object_pairs_hook=json_object)


def _names(value: object) -> int:
    """The number of names in a JSON value."""
    if isinstance(value, dict):
        return len(value) + sum(map(_names, value.values()))
    return sum(map(_names, value)) if isinstance(value, list) else 0


def _integer(digits: str) -> int | str:
    number = int(digits)
    return number if SMALLEST_INTEGER <= number <= LARGEST_INTEGER else digits


def _refused(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")
