"""Store popular and trending lists, one small row each, separate from the lists of model versions."""

from collections.abc import Sequence

from app.domain.recommendations import POPULAR, RECENT, TRENDING, LiveList
from app.storage.database import Database, Raw
from app.storage.neighbors import ListRow
from app.storage.table import Table, key

KINDS = (POPULAR, TRENDING, RECENT)


class LiveListStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, ListRow)

    def get(self, project: str, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], LiveList]:
        """Returns lists by (kind, category); lists that do not exist are left out."""
        stored_lists = map(_list, self._table.get_many([_key(project, *name) for name in names]))
        return {(stored.kind, stored.category): stored for stored in stored_lists}

    def put(self, project: str, lists: Sequence[LiveList]) -> None:
        self._table.write_many(
            [
                ListRow(key=_key(project, stored.kind, stored.category), packed=stored.packed, as_of=stored.as_of)
                for stored in lists
            ]
        )


def keys_of(project: str, categories: Sequence[str]) -> list[str]:
    """Returns the keys of all lists that a project can have of some categories."""
    return [_key(project, kind, category) for kind in KINDS for category in categories]


def _key(project: str, kind: str, category: str) -> str:
    return key(project, "", kind, category)


def _list(row: Raw) -> LiveList:
    _, _, kind, category = str(row["key"]["S"]).split("#", 3)
    return LiveList(kind, category, float(row["as_of"]["N"]), bytes(row["packed"]["B"]))
