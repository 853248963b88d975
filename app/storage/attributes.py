"""Attributes that PynamoDB lacks, and readers of raw rows, which return None if a row lacks the attribute."""

import json
from datetime import UTC, datetime
from typing import Any

from pynamodb.attributes import Attribute, JSONAttribute
from pynamodb.constants import STRING

from app.domain.fields import ImportMark
from app.storage.database import Raw
from app.storage.table import iso, moment


class TimestampAttribute(Attribute[datetime]):
    """A time in UTC, stored as text that sorts by time."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        return iso(value)

    def deserialize(self, value: str) -> datetime:
        return moment(value)


class FactsAttribute(JSONAttribute):
    """JSON in which times are text."""

    def serialize(self, value: object) -> str:
        return json.dumps(value, default=iso)


class PropertiesAttribute(JSONAttribute):
    """JSON of the client, whose letters are stored as they are: most take fewer bytes than their escapes."""

    def serialize(self, value: object) -> str:
        return json.dumps(value, ensure_ascii=False)


def text(row: Raw, name: str) -> str | None:
    return row[name]["S"] if name in row else None


def texts(row: Raw, name: str) -> tuple[str, ...]:
    """Reads a list of texts, which may be missing."""
    return tuple([element["S"] for element in row[name]["L"]]) if name in row else ()


def names(row: Raw, name: str) -> frozenset[str]:
    """Reads a set of texts, which may be missing."""
    return frozenset(row[name]["SS"]) if name in row else frozenset()


def number(row: Raw, name: str) -> float | None:
    return float(row[name]["N"]) if name in row else None


def integer(row: Raw, name: str) -> int | None:
    return int(row[name]["N"]) if name in row else None


def binary(row: Raw, name: str) -> bytes | None:
    return bytes(row[name]["B"]) if name in row else None


def instant(row: Raw, name: str) -> datetime | None:
    return moment(row[name]["S"]) if name in row else None


def expiry(row: Raw) -> datetime:
    """Reads the time at which a row that expires does so."""
    return datetime.fromtimestamp(int(row["expires_at"]["N"]), UTC)


def decoded(row: Raw, name: str) -> Any:  # noqa: ANN401 - JSON
    """Decodes an attribute that is JSON."""
    return json.loads(row[name]["S"]) if name in row else None


def import_mark(row: Raw) -> ImportMark | None:
    import_id = text(row, "import_id")
    return None if import_id is None else ImportMark(import_id, "import_changed" in row)


def mark_attributes(mark: ImportMark | None) -> dict[str, Any]:
    """Returns the attributes of a row that `import_mark` reads."""
    return {"import_id": mark.import_id, "import_changed": mark.is_changed or None} if mark else {}
