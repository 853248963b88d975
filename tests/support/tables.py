"""Read every row of the database, for tests of completeness and erasure, and delete a test's own tables."""

from typing import Any

from pynamodb.models import Model

from app.storage.admin import schema
from app.storage.admin.purge import rows_of
from app.storage.pynamo import connection_of
from app.storage.table import Table
from app.wiring import Wired


def rows(wired: Wired, *models: type[Model]) -> list[dict[str, Any]]:
    """Returns every row of the tables (default: all tables)."""
    items: list[dict[str, Any]] = []
    for model in models or schema.MODELS:
        request: dict[str, Any] = {"TableName": model.Meta.table_name, "ConsistentRead": True}
        while True:
            page = wired.database.call("Scan", request)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    return items


def of_project(wired: Wired, model: type[Model], project: str) -> list[dict[str, Any]]:
    """Returns a project's rows of a table."""
    condition = rows_of(project, model, Table(wired.database, model))
    items: list[dict[str, Any]] = []
    start = None
    while True:
        page = connection_of(model).scan(condition, consistent_read=True, exclusive_start_key=start)
        items += page["Items"]
        start = page.get("LastEvaluatedKey")
        if start is None:
            return items


def naming(wired: Wired, text: str, *models: type[Model]) -> list[dict[str, Any]]:
    """Returns the rows that contain a text, also in packed bytes (default: all tables)."""
    return [row for row in rows(wired, *models) if text in str(row) or text.encode() in _bytes(row)]


def _bytes(row: dict[str, Any]) -> bytes:
    return b"".join(bytes(value["B"]) for value in row.values() if "B" in value)


def drop_tables(wired: Wired) -> None:
    """Deletes the tables that exist."""
    for model in wired.database.models:
        if model.exists():
            wired.database.call("DeleteTable", {"TableName": model.Meta.table_name})
