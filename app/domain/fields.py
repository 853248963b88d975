"""What fields of all records have in common: values, which import added a record, and which are wanted of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

ID_PATTERN = (
    r"^([A-Za-z0-9_:~|@-][A-Za-z0-9._:~|@-]{0,127}|\.[A-Za-z0-9_:~|@-][A-Za-z0-9._:~|@-]{0,126}|"
    r"\.\.[A-Za-z0-9._:~|@-]{1,126})$"
)
"""Ids of items, users, sessions and other resources: not `.` or `..`, which clients and proxies remove from paths."""
ORIGIN_PATTERN = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$"
ORIGIN_RULE = "a web origin, such as https://shop.example: no path, no slash"
"""The pattern in words."""
ID_RULE = "1 to 128 ASCII letters (A-Z, a-z), digits or any of . _ : ~ | @ -, but not . or .. alone"
"""The pattern in words. Ids stand in paths and in keys, so spaces, slashes and other letters are left out."""
MOST_CHARACTERS = 60
"""Of a name in an error."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest time of an event, and the default time of records that were not stored yet."""
ITEM_ID, PROPERTIES, REASONS = "item_id", "properties", "reasons"
REASON_FIELDS = (
    "item_id",
    "title",
    "event_type",
    "timestamp",
    "event_id",
    "share",
    "contribution",
    "kept_without",
    "from_order",
    "baskets_together",
    "baskets",
)
RECOMMENDATION_FIELDS = (
    ITEM_ID,
    "title",
    "score",
    "source",
    "model_version",
    "boost",
    "impression_factor",
    "recent_factor",
    REASONS,
    "categories",
    PROPERTIES,
)
OF_ITEMS = ("title", "categories", PROPERTIES)
"""The fields of a recommendation that come from its item."""
ITEM_FIELDS = (ITEM_ID, "title", "categories", PROPERTIES, "hidden", "expires_at", "created_at", "updated_at")


class RepeatedName(ValueError):
    """An object of a JSON text has a name twice."""


def json_object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Returns the object of a JSON text, for `object_pairs_hook` of `json.loads`, which keeps the last of equal names.

    Raises:
        RepeatedName: it has a name twice, so a value would be lost.
    """
    values = dict(pairs)
    if len(values) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise RepeatedName(f"an object has the name {twice[:MOST_CHARACTERS]!r} twice")
    return values


@dataclass(frozen=True, slots=True)
class ImportMark:
    """The import that added an item or user."""

    import_id: str
    is_changed: bool = False
    """Whether anything but the same import has changed the record since."""


def mark_after(before: ImportMark | None, writer: ImportMark | None) -> ImportMark | None:
    """Returns the mark of an existing record after a change.

    Args:
        before: its mark; None if no import added it.
        writer: the mark of the import that changes it; None for other changes.
    """
    if before is None or (writer is not None and writer.import_id == before.import_id):
        return before
    return replace(before, is_changed=True)


@dataclass(frozen=True)
class Selection:
    """The fields of each item, or the parts of one: `properties.price`, `reasons.title`. Ids are always among them."""

    names: tuple[str, ...]

    @cached_property
    def _parts(self) -> Mapping[str, frozenset[str]]:
        """The parts of each field; none if all of it is wanted."""
        parts: dict[str, frozenset[str]] = {ITEM_ID: frozenset()}
        for name in sorted(self.names):  # a field comes before its parts
            field, _, part = name.partition(".")
            before = parts.get(field)
            is_whole = not part or before == frozenset()
            parts[field] = frozenset() if is_whole else (before or frozenset()) | {part}
        return parts

    def has(self, field: str, part: str = "") -> bool:
        """Whether a field is wanted: any of it, or a part of it."""
        parts = self._parts.get(field)
        return parts is not None and (not part or not parts or part in parts)

    def left_out(self, fields: Iterable[str]) -> dict[str, Any]:
        """Returns those of the fields of an item that are not wanted, in the form that pydantic excludes them."""
        left_out: dict[str, Any] = {field: True for field in fields if not self.has(field)}
        if self.has(REASONS) and self._parts[REASONS]:
            left_out[REASONS] = {"__all__": {part for part in REASON_FIELDS if not self.has(REASONS, part)}}
        return left_out

    def of_properties(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the wanted properties of an item, none if the field is not wanted."""
        return {name: value for name, value in properties.items() if self.has(PROPERTIES, name)}
