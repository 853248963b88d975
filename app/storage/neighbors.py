"""Store the neighbor rows and ranked lists of model versions: packed bytes, written once, never changed.

What an item is bought together with is a list too, of the kind `bought_together`, with the item as its category.
Both belong to a version, so moving the active pointer back restores everything that the version served.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from pynamodb.attributes import BinaryAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.storage.database import Database, Raw
from app.storage.table import SEPARATOR, Table, key

MANIFEST_IDS = 2_000
ROWS_A_WRITE = 500


class NeighborRow(Model):
    class Meta:
        table_name = "neighbors"

    key = UnicodeAttribute(hash_key=True)
    """project#version#item, or project#version##chunk for the manifest, which names all items with rows."""
    packed = BinaryAttribute(legacy_encoding=False)


class ListRow(Model):
    class Meta:
        table_name = "lists"

    key = UnicodeAttribute(hash_key=True)
    """project#version#kind#category; the category is empty for all items, the version is empty for a live list.

    Packed catalogs are project##packed#, see `packed_catalogs`.
    """
    packed = BinaryAttribute(legacy_encoding=False)
    as_of = NumberAttribute(null=True)
    """Seconds since 1970 at which a live list was computed."""
    expires_at = TTLAttribute(null=True)


class NeighborStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows, self._lists = Table(database, NeighborRow), Table(database, ListRow)

    def get(
        self, project: str, version: str, item_ids: Sequence[str], lists: Sequence[tuple[str, str]] = ()
    ) -> tuple[dict[str, bytes], dict[tuple[str, str], bytes]]:
        """Returns packed rows by item and packed lists by (kind, category) in one round trip, without missing ones."""
        row_keys = [self._rows.key(key(project, version, item_id)) for item_id in item_ids]
        list_keys = [self._lists.key(key(project, version, kind, category)) for kind, category in lists]
        requested = {name: keys for name, keys in ((self._rows.name, row_keys), (self._lists.name, list_keys)) if keys}
        stored = self._database.batch_get(requested) if requested else {}
        rows = {_suffix(row, 2)[0]: bytes(row["packed"]["B"]) for row in stored.get(self._rows.name, ())}
        ranked = {
            (_suffix(row, 3)[0], _suffix(row, 3)[1]): bytes(row["packed"]["B"])
            for row in stored.get(self._lists.name, ())
        }
        return rows, ranked

    def put_rows(
        self,
        project: str,
        version: str,
        rows: Iterable[tuple[str, bytes]],
        report: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Writes any number of packed rows; calls `report` with the number written so far.

        A name is an item id, or kind#category for a list.
        """
        written, remaining = 0, iter(rows)
        while chunk := list(islice(remaining, ROWS_A_WRITE)):
            lists = {name for name, _ in chunk if _is_list(name)}
            self._rows.write_many(
                [NeighborRow(key=key(project, version, name), packed=row) for name, row in chunk if name not in lists]
            )
            self._lists.write_many(
                [ListRow(key=key(project, version, name), packed=row) for name, row in chunk if name in lists]
            )
            written += len(chunk)
            report(written)

    def put_lists(self, project: str, version: str, lists: Sequence[tuple[str, str, bytes]]) -> None:
        self._lists.write_many(
            [ListRow(key=key(project, version, kind, category), packed=packed) for kind, category, packed in lists]
        )

    def manifest_chunks(self, names: Sequence[str]) -> int:
        """Returns the number of rows that the manifest of these names takes."""
        return -(-len(names) // MANIFEST_IDS)

    def put_manifest(self, project: str, version: str, names: Sequence[str]) -> None:
        """Stores the names of what is about to be written, so that it can be deleted.

        A name is an item id, or kind#category for a list.
        """
        chunks = [names[start : start + MANIFEST_IDS] for start in range(0, len(names), MANIFEST_IDS)]
        self._rows.write_many(
            [
                NeighborRow(key=key(project, version, "", str(number)), packed="\n".join(chunk).encode())
                for number, chunk in enumerate(chunks)
            ]
        )

    def delete(self, project: str, version: str, chunks: int) -> None:
        """Deletes all rows and lists that the version's manifest names, then the manifest."""
        tables = {NeighborRow: self._rows, ListRow: self._lists}
        for number in range(chunks):
            for model, keys in self.chunk(project, version, number):
                tables[model].write_many([], keys)

    def chunk(self, project: str, version: str, number: int) -> list[tuple[type[NeighborRow | ListRow], list[Raw]]]:
        """Returns the keys of what a chunk of the manifest names, by table, and the chunk's own key at the end."""
        name = key(project, version, "", str(number))
        manifest = self._rows.get(name, consistent=True)
        if manifest is None:
            return []
        names = bytes(manifest["packed"]["B"]).decode().split("\n")
        return [
            (NeighborRow, _keys(self._rows, project, version, (name for name in names if not _is_list(name)))),
            (ListRow, _keys(self._lists, project, version, (name for name in names if _is_list(name)))),
            (NeighborRow, [self._rows.key(name)]),
        ]


def _is_list(name: str) -> bool:
    return SEPARATOR in name


def _keys(table: Table, project: str, version: str, names: Iterable[str]) -> list[Raw]:
    return [table.key(key(project, version, name)) for name in names]


def _suffix(row: Raw, parts: int) -> list[str]:
    """Returns the parts of a row's key after project and version; the last part may contain the separator."""
    return str(row["key"]["S"]).split("#", parts)[2:]
