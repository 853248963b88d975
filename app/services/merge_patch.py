"""JSON merge patch (RFC 7396)."""

from collections.abc import Mapping
from typing import Any


def merged(current: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `current` with a patch applied: null removes a member, objects are merged, anything else replaces."""
    result = dict(current)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            nested = result.get(name)
            result[name] = merged(nested if isinstance(nested, Mapping) else {}, value)
        else:
            result[name] = value
    return result
