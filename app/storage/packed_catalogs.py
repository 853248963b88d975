"""Store packed catalogs: copies of all items that take an instance a few calls to read.

A pointer names a project's current one. Its parts are written before the pointer moves, and have names of their own, so
a reader never meets a half-written one. The pointer also names what it does not point to any more, and what is being
written, so that the deletion of a project finds every part. All rows expire after three days.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from app.domain.items import Item, PackedCatalog, PackedCatalogs, PackedShard
from app.storage.attributes import expiry, number
from app.storage.counters import CounterRow
from app.storage.database import Database, Raw
from app.storage.items import ItemStore
from app.storage.neighbors import ListRow
from app.storage.packed_items import DamagedItems, pack, unpack
from app.storage.table import PAGE_ROWS, Table, iso, key, moment

KIND, WANTED = "packed", "packed"
FORMAT = 1
KEPT = timedelta(days=3)
PART_BYTES = 390_000
"""A row takes up to 400 KB, with its key."""
MAX_PARTS = 64
"""Of a shard; one call gets 100 rows."""


class PackedCatalogStore:
    def __init__(self, database: Database, items: ItemStore) -> None:
        self._items = items
        self._lists, self._counters = Table(database, ListRow), Table(database, CounterRow)

    def catalogs(self, project: str, *, consistent: bool = False) -> PackedCatalogs:
        """Returns a project's packed catalogs."""
        rows = self._lists.get_many([pointer_of(project)], consistent=consistent)
        return _catalogs(rows[0]) if rows else PackedCatalogs()

    def put(self, project: str, catalogs: PackedCatalogs, previous: PackedCatalogs, revision: float) -> PackedCatalogs:
        """Moves the pointer; returns the catalogs with their new revision.

        Raises:
            Conflict: the pointer is not what it was before.
        """
        same = ListRow.key.does_not_exist() if previous.revision is None else ListRow.as_of == previous.revision
        expires_at = max(catalog.as_of for catalog in _all(catalogs)) + KEPT
        packed = _packed(catalogs)
        self._lists.put(ListRow(key=pointer_of(project), packed=packed, as_of=revision, expires_at=expires_at), same)
        return replace(catalogs, revision=revision)

    def pack(self, project: str, number: int, limit: int) -> tuple[list[bytes], PackedShard]:
        """Reads and packs those items of a shard that were changed last; returns the bytes of its parts.

        Raises:
            ValueError: they take more parts than a packed catalog may have.
        """
        rows, start = self._items.newest_rows(project, number, min(limit, PAGE_ROWS))
        while start is not None and len(rows) <= limit:
            more, start = self._items.newest_rows(project, number, PAGE_ROWS, start)
            rows += more
        packed = pack(rows[:limit])
        parts = [packed[begin : begin + PART_BYTES] for begin in range(0, len(packed), PART_BYTES)]
        if len(parts) > MAX_PARTS:
            raise ValueError(f"A shard of the catalog takes {len(parts)} parts.")
        return parts, PackedShard(len(parts), min(len(rows), limit), start is None and len(rows) <= limit)

    def put_part(self, project: str, catalog: PackedCatalog, number: int, part: int, packed: bytes) -> None:
        row = ListRow(
            key=_part(project, catalog.catalog_id, number, part), packed=packed, expires_at=catalog.as_of + KEPT
        )
        self._lists.write_many([row])

    def read(self, project: str, catalog: PackedCatalog, number: int) -> list[Item]:
        """Returns the items of a shard, the last changed first.

        Raises:
            DamagedItems: some of them are missing or damaged.
        """
        names = [_part(project, catalog.catalog_id, number, part) for part in range(catalog.shards[number].parts)]
        rows = self._lists.get_many(names)
        if len(rows) < len(names):  # unless the pointer was read from a replica that is ahead
            rows = self._lists.get_many(names, consistent=True)
        if len(rows) < len(names):
            raise DamagedItems("A part of the packed catalog is missing.")
        packed = {row["key"]["S"]: bytes(row["packed"]["B"]) for row in rows}
        return unpack(b"".join(packed[name] for name in names))

    def want(self, project: str, until: datetime) -> None:
        """Marks that instances of a project would read a packed catalog."""
        self._counters.write_many([CounterRow(key=key("", WANTED), start=project, expires_at=until)])

    def wanted(self, now: datetime) -> list[str]:
        """Returns the projects that are marked."""
        return [row["start"]["S"] for row in self._counters.query_all(key("", WANTED)) if expiry(row) > now]


def wanted_key(project: str) -> tuple[str, str]:
    """Returns the key of a project's mark."""
    return key("", WANTED), project


def pointer_of(project: str) -> str:
    return key(project, "", KIND, "")


def parts_of(project: str, row: Raw) -> list[list[str]]:
    """Returns the keys of the parts of each packed catalog that a pointer names."""
    return [
        [
            _part(project, catalog.catalog_id, number, part)
            for number, shard in enumerate(catalog.shards)
            for part in range(shard.parts)
        ]
        for catalog in _all(_catalogs(row))
    ]


def _part(project: str, catalog_id: str, number: int, part: int) -> str:
    return key(project, "", KIND, catalog_id, f"{number:02d}", f"{part:02d}")


def _all(catalogs: PackedCatalogs) -> Sequence[PackedCatalog]:
    return [*([catalogs.current] if catalogs.current else []), *catalogs.others]


def _packed(catalogs: PackedCatalogs) -> bytes:
    current = _facts(catalogs.current) if catalogs.current else None
    return orjson.dumps({"format": FORMAT, "current": current, "others": list(map(_facts, catalogs.others))})


def _facts(catalog: PackedCatalog) -> dict[str, Any]:
    shards = [[shard.parts, shard.items, shard.is_complete] for shard in catalog.shards]
    return {"id": catalog.catalog_id, "as_of": iso(catalog.as_of), "shards": shards}


def _catalogs(row: Raw) -> PackedCatalogs:
    revision = number(row, "as_of")
    try:
        facts = orjson.loads(bytes(row["packed"]["B"]))
        if facts["format"] == FORMAT:
            current = _catalog(facts["current"]) if facts["current"] else None
            return PackedCatalogs(current, tuple(map(_catalog, facts["others"])), revision)
    except (ValueError, KeyError, TypeError):
        pass
    return PackedCatalogs(revision=revision, is_damaged=True)  # or of another release


def _catalog(facts: Any) -> PackedCatalog:  # noqa: ANN401 - JSON
    shards = tuple(PackedShard(*shard) for shard in facts["shards"])
    return PackedCatalog(facts["id"], moment(facts["as_of"]), shards)
