"""Everything that the database holds, for tests that must find something, or nothing."""

from typing import Any

from pynamodb.models import Model

from app.storage.admin import schema
from app.storage.table import SEPARATOR, Table
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


def of_project(wired: Wired, model: type[Model], project: str) -> list[dict[str, Any]]:
    """The rows of a table whose partition is the project's; read once, and without those of others."""
    table = Table(wired.database, model)
    keys, more = table.scan(schema.OF_A_PROJECT, {":prefix": project + SEPARATOR, ":project": project})
    assert more is None, "more than a page: a table of its own is needed"
    return [dict(row) for row in wired.database.batch_get({table.name: keys}, consistent=True)[table.name]]


def naming(wired: Wired, text: str, *models: type[Model]) -> list[dict[str, Any]]:
    """The rows of some tables, or of all, in which a text occurs, packed bytes included."""
    return [row for row in rows(wired, *models) if text in str(row) or text.encode() in _bytes(row)]


def _bytes(row: dict[str, Any]) -> bytes:
    return b"".join(bytes(value["B"]) for value in row.values() if "B" in value)
