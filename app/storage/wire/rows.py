"""Encode requests and decode responses of operations on rows: JSON in which binary values are base64."""

import json
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Any, TypeVar

import orjson

MANY_BYTES, ROW_BYTES = 65_536, 200
"""From how many bytes threads take turns; the least that a row of an item takes."""
_reading = Lock()

Row = TypeVar("Row")
Record = TypeVar("Record")


def turn(size: int) -> AbstractContextManager[object]:
    """Lets one thread at a time read what has many bytes.

    Reading a page of a catalog keeps the interpreter for up to 10 ms; if threads read all its shards at once, the event
    loop waits for several of them each time that it wakes up.
    """
    return _reading if size > MANY_BYTES else nullcontext()


def in_turns(read: Callable[[Row], Record], rows: Sequence[Row]) -> list[Record]:
    """Reads each row of a page."""
    with turn(ROW_BYTES * len(rows)):
        return list(map(read, rows))


def encode(request: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(request, default=_encoded)
    except orjson.JSONEncodeError:  # half a surrogate pair, for example
        return json.dumps(request, default=_encoded).encode()


def decode(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """Returns the value of a JSON text, with binary values as bytes. Raises ValueError if it is not JSON."""
    with turn(len(content)):
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError:
            value = json.loads(content)
        if b'"B' in content:
            _decode_binary(value)
    return value


def _encoded(value: object) -> object:
    """Returns what orjson can encode instead of a value that it cannot."""
    if isinstance(value, bytes | bytearray | memoryview):
        return b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no value of a row")


def _decode_binary(value: object) -> None:
    """Decodes binary values in place.

    Only the value of an attribute has a text as `B` or a list as `BS`; an attribute of that name has a typed value.
    """
    if isinstance(value, list):
        for element in value:
            _decode_binary(element)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name == "B" and isinstance(part, str):
                value[name] = a2b_base64(part)
            elif name == "BS" and isinstance(part, list):
                value[name] = [a2b_base64(element) for element in part]
            elif isinstance(part, dict | list):
                _decode_binary(part)
