"""Encode requests and decode responses of operations on rows: JSON in which binary values are base64."""

import json
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any

import orjson


def encode(request: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(request, default=_encoded)
    except orjson.JSONEncodeError:  # half a surrogate pair, for example
        return json.dumps(request, default=_encoded).encode()


def decode(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """Returns the value of a JSON text, with binary values as bytes. Raises ValueError if it is not JSON."""
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
