"""All tables: created from the models, or asked whether they are there."""

from pynamodb.models import Model

from app.storage.database import Database, bounded
from app.storage.events import EventRow
from app.storage.items import ItemRow
from app.storage.neighbours import ListRow, NeighbourRow
from app.storage.users import UserRow
from app.storage.versions import VersionRow

MODELS: tuple[type[Model], ...] = (ItemRow, UserRow, EventRow, NeighbourRow, ListRow, VersionRow)


def create_missing(database: Database) -> list[str]:
    """Create the tables that do not exist yet, and return their names."""
    created = []
    with bounded():
        for model in database.models:
            if not model.exists():
                model.create_table(billing_mode="PAY_PER_REQUEST", wait=True)
                created.append(model.Meta.table_name)
    return created


def missing(database: Database) -> list[str]:
    """The names of the tables that do not exist."""
    with bounded():
        return [model.Meta.table_name for model in database.models if not model.exists()]
