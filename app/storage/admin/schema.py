"""All tables: asked whether they are there, emptied of a project. `migration` makes them."""

from collections.abc import Callable, Mapping
from typing import Any

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
MADE_ANEW = (NeighborRow, ListRow, BucketRow, IdempotencyRow, DecisionRow, ConnectionRow, JobRow)
"""By trainings, the stream and time: these need no backup."""
LASTING = tuple(model for model in MODELS if model not in MADE_ANEW)
OF_A_PROJECT = "begins_with(#hash, :prefix) OR #hash = :project"
CONDITIONS: dict[type[Model], str] = {
    AccessRow: "begins_with(#hash, :prefix) AND #owner = :project",
    ConnectionRow: f"{OF_A_PROJECT} OR #owner = :project",
    CounterRow: f"{OF_A_PROJECT} OR #range = :project",
}
"""Which rows are a project's, where the key alone does not say it."""


class TableCheck:
    """Asks the database whether all tables exist."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def missing(self) -> list[str]:
        """Return the names of the tables that do not exist."""
        with bounded():
            return [model.Meta.table_name for model in self._database.models if not model.exists()]


def purge(
    database: Database,
    project: str,
    checkpoint: Mapping[str, Any] | None,
    removed: dict[str, int],
    out_of_time: Callable[[], bool],
) -> dict[str, Any] | None:
    """Remove every row of a project from every table, except the project's own, by reading them all.

    `checkpoint` is what an earlier call returned (None starts from the beginning), `removed` counts rows by table, and
    `out_of_time` is asked after each page. Returns the next checkpoint, or None when every table was read to its end.
    """
    reached = dict(checkpoint or {"table": 0, "start": None})
    while reached["table"] < len(database.models):
        model = database.models[reached["table"]]
        table, name = Table(database, model), plain_name(model)
        prefix = KEY if model is AccessRow else project
        condition = CONDITIONS.get(model, OF_A_PROJECT)
        values = {":prefix": prefix + SEPARATOR, ":project": project}
        keys, start = table.scan(condition, values, reached["start"])
        table.write_many([], keys)
        removed[name] = removed.get(name, 0) + len(keys)
        reached = {"table": reached["table"] + (start is None), "start": start}
        if out_of_time():
            break
    return reached if reached["table"] < len(database.models) else None
