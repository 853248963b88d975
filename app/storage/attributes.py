"""Read optional attributes of raw rows; None if a row lacks the attribute."""

import json
from datetime import datetime
from typing import Any

from app.storage.database import Raw
from app.storage.table import moment


def text(row: Raw, name: str) -> str | None:
    return row[name]["S"] if name in row else None


def number(row: Raw, name: str) -> float | None:
    return float(row[name]["N"]) if name in row else None


def binary(row: Raw, name: str) -> bytes | None:
    return bytes(row[name]["B"]) if name in row else None


def instant(row: Raw, name: str) -> datetime | None:
    return moment(row[name]["S"]) if name in row else None


def decoded(row: Raw, name: str) -> Any:  # noqa: ANN401 - JSON
    """Decodes an attribute that is JSON."""
    return json.loads(row[name]["S"]) if name in row else None
