"""All tables, and a check that they exist. `migration` creates them, and `purge` deletes the rows of a project."""

from pynamodb.models import Model

from app.storage.access import AccessRow
from app.storage.buckets import BucketRow
from app.storage.connections import ConnectionRow
from app.storage.counters import CounterRow
from app.storage.database import Database, bounded
from app.storage.decisions import DecisionRow
from app.storage.events import EventRow
from app.storage.failures import FailureRow
from app.storage.idempotency import IdempotencyRow
from app.storage.items import ItemRow
from app.storage.jobs import JobRow
from app.storage.neighbors import ListRow, NeighborRow
from app.storage.scenarios import ScenarioRow
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
