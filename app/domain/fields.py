"""What fields of all records have in common: values, and which import added a record."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
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
