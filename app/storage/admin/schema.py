"""All tables: check that they exist, and delete the rows of a project. `migration` creates them."""

from collections.abc import Callable, Mapping
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from app.storage.access import KEY, AccessRow
from app.storage.buckets import BucketRow
from app.storage.connections import ConnectionRow
from app.storage.counters import CounterRow
from app.storage.database import Database, bounded, plain_name
from app.storage.decisions import DecisionRow
from app.storage.events import EventRow
from app.storage.failures import FailureRow
from app.storage.idempotency import IdempotencyRow
from app.storage.items import ItemRow
from app.storage.jobs import JobRow
from app.storage.neighbors import ListRow, NeighborRow
from app.storage.scenarios import ScenarioRow
from app.storage.table import SEPARATOR, Table
from app.storage.usage import UsageRow
from app.storage.users import UserRow
from app.storage.versions import VersionRow

MODELS: tuple[type[Model], ...] = (
    ItemRow,
    UserRow,
    EventRow,
    NeighborRow,
    ListRow,
    VersionRow,
    AccessRow,
    BucketRow,
    IdempotencyRow,
    UsageRow,
    CounterRow,
    ConnectionRow,
    FailureRow,
    ScenarioRow,
    DecisionRow,
    JobRow,
)
REBUILT = (NeighborRow, ListRow, BucketRow, IdempotencyRow, DecisionRow, ConnectionRow, JobRow)
"""Rows that trainings, the stream or clients create again: these tables need no backup."""
LASTING = tuple(model for model in MODELS if model not in REBUILT)


class TableCheck:
    """Checks whether all tables exist."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def missing(self) -> list[str]:
        """Returns the names of the tables that do not exist."""
        with bounded():
            return [model.Meta.table_name for model in self._database.models if not model.exists()]


def purge(
    database: Database,
    project: str,
    checkpoint: Mapping[str, Any] | None,
    removed: dict[str, int],
    out_of_time: Callable[[], bool],
) -> dict[str, Any] | None:
    """Deletes every row of a project from every table except the project itself, by scanning all tables.

    `checkpoint` is what an earlier call returned (None starts from the beginning), `removed` counts rows by table, and
    `out_of_time` is asked after each page. Returns the next checkpoint, or None when every table was read to its end.
    """
    reached = dict(checkpoint or {"table": 0, "start": None})
    while reached["table"] < len(database.models):
        model = database.models[reached["table"]]
        table, name = Table(database, model), plain_name(model)
        keys, start = table.scan(rows_of(project, model, table), reached["start"])
        table.write_many([], keys)
        removed[name] = removed.get(name, 0) + len(keys)
        reached = {"table": reached["table"] + (start is None), "start": start}
        if out_of_time():
            break
    return reached if reached["table"] < len(database.models) else None


def rows_of(project: str, model: type[Model], table: Table) -> Condition:
    """Returns the condition for a project's rows in a table; in the table of projects, for its keys."""
    rows: Condition = table.partition_key.startswith(project + SEPARATOR) | (table.partition_key == project)
    if model is AccessRow:
        rows = AccessRow.key.startswith(KEY + SEPARATOR) & (AccessRow.project == project)
    elif model is ConnectionRow:
        rows |= ConnectionRow.project == project
    elif model is CounterRow:
        rows |= CounterRow.start == project
    return rows
