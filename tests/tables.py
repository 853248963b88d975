"""Everything that the database holds, for tests that must find something, or nothing."""

from typing import Any

from pynamodb.models import Model

from app.storage import schema
from app.wiring import Wired


def rows(wired: Wired, *models: type[Model]) -> list[dict[str, Any]]:
    """Every row of some tables, or of all."""
    found: list[dict[str, Any]] = []
    for model in models or schema.MODELS:
        request: dict[str, Any] = {"TableName": model.Meta.table_name, "ConsistentRead": True}
        while True:
            page = wired.database.call("Scan", request)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    return found


def naming(wired: Wired, text: str, *models: type[Model]) -> list[dict[str, Any]]:
    """The rows of some tables, or of all, in which a text occurs, packed bytes included."""
    return [row for row in rows(wired, *models) if text in str(row) or text.encode() in _bytes(row)]


def _bytes(row: dict[str, Any]) -> bytes:
    return b"".join(bytes(value["B"]) for value in row.values() if "B" in value)
