"""How parts of the API end: announced in headers and in OpenAPI at the same time, and kept for a year.

`Deprecation` is RFC 9745, `Sunset` RFC 8594. An operation is deprecated by its row in `DEPRECATED`, nowhere else.
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
    """An operation that ends; `successor` is the path of what replaces it."""

    since: datetime
    sunset: datetime
    successor: str

    def __post_init__(self) -> None:
        if self.sunset - self.since < LEAST_NOTICE:
            raise ValueError("a deprecated operation works for a year at least")


DEPRECATED: Mapping[str, Deprecated] = {}
"""By operation id."""


class Deprecations:
    def __init__(self, table: Mapping[str, Deprecated]) -> None:
        self._table = table

    def mark(self, operations: Iterable[dict[str, Any]]) -> None:
        """Make the OpenAPI document say so.

        Raises:
            ValueError: the table names an operation that does not exist.
        """
        known = {operation["operationId"]: operation for operation in operations}
        unknown = sorted(set(self._table) - set(known))
        if unknown:
            raise ValueError(f"there are no such operations to deprecate: {', '.join(unknown)}")
        for operation_id in self._table:
            known[operation_id]["deprecated"] = True

    def add_headers(self, headers: MutableHeaders, route: object) -> None:
        ending = self._table.get(getattr(route, "operation_id", None) or "")
        if ending is not None:
            headers["Deprecation"] = f"@{ending.since.timestamp():.0f}"
            headers["Sunset"] = format_datetime(ending.sunset, usegmt=True)
            headers["Link"] = f'<{ending.successor}>; rel="successor-version"'
