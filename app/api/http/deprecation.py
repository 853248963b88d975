"""Deprecated operations are announced in headers and in the OpenAPI document, and work for another year.

`Deprecation` is RFC 9745, `Sunset` RFC 8594. A row in `DEPRECATED` deprecates an operation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.datastructures import MutableHeaders

LEAST_NOTICE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Deprecated:
    """The end of an operation; `successor` is the path of its replacement."""

    since: datetime
    sunset: datetime
    successor: str

    def __post_init__(self) -> None:
        if self.sunset - self.since < LEAST_NOTICE:
            raise ValueError("a deprecated operation works for at least a year")


DEPRECATED: Mapping[str, Deprecated] = {}
"""The deprecated operations by operation id."""


class Deprecations:
    def __init__(self, table: Mapping[str, Deprecated]) -> None:
        self._table = table

    def mark(self, operations: Iterable[dict[str, Any]]) -> None:
        """Marks deprecated operations in the OpenAPI document.

        Raises:
            ValueError: the table names an operation that does not exist.
        """
        by_id = {operation["operationId"]: operation for operation in operations}
        unknown = sorted(set(self._table) - set(by_id))
        if unknown:
            raise ValueError(f"unknown operations cannot be deprecated: {', '.join(unknown)}")
        for operation_id in self._table:
            by_id[operation_id]["deprecated"] = True

    def add_headers(self, headers: MutableHeaders, route: object) -> None:
        ending = self._table.get(getattr(route, "operation_id", None) or "")
        if ending is not None:
            headers["Deprecation"] = f"@{ending.since.timestamp():.0f}"
            headers["Sunset"] = format_datetime(ending.sunset, usegmt=True)
            headers["Link"] = f'<{ending.successor}>; rel="successor-version"'
