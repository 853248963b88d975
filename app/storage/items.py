"""Store items: one row each, and one small row for each category that an item is listed under.

The categories of a project are listed as well, so that rows of all categories can be found.

A category row is written before its item and removed after it, and readers check the item, so a crash in between
neither lists an item wrongly nor loses one. A deleted item leaves a marker, because models and events may name it.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from typing import Any

from cachetools import LRUCache
from pynamodb.attributes import BooleanAttribute, ListAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from app.domain.items import Item
from app.domain.paging import Page
from app.storage import listing
from app.storage.attributes import (
    PropertiesAttribute,
    TimestampAttribute,
    decoded,
    import_mark,
    instant,
    text,
    texts,
)
from app.storage.database import Database, Raw
from app.storage.listing import ListingIndex
from app.storage.table import LISTING_SHARDS, Table, iso, key, moment, shard
from app.storage.wire.rows import in_turns

CHANGES = "changes"
CATEGORIES = "categories"
"""Partition that lists a project's categories: project##categories. Shards are never empty."""
MOST_LISTED = 100_000
"""Number of categories that an instance remembers to have listed."""


class ChangeIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Partition: project#shard; sort: time of the last change. It contains deleted items but no category rows."""

    class Meta:
        index_name = CHANGES
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
    updated_at = TimestampAttribute(range_key=True)


class ItemRow(Model):
    class Meta:
        table_name = "items"

    key = UnicodeAttribute(hash_key=True)
    """project#item, or project#item#category, or project##category. Item ids are never empty."""
    listing = UnicodeAttribute(null=True)
    position = UnicodeAttribute(null=True)
    title = UnicodeAttribute(null=True)
    categories: ListAttribute[UnicodeAttribute] = ListAttribute(of=UnicodeAttribute, null=True)
    properties = PropertiesAttribute(null=True)
    created_at = TimestampAttribute(null=True)
    updated_at = TimestampAttribute(null=True)
    deleted = BooleanAttribute(null=True)
    hidden = BooleanAttribute(null=True)
    expires_at = TimestampAttribute(null=True)
    import_id = UnicodeAttribute(null=True)
    import_changed = BooleanAttribute(null=True)
    by_listing = ListingIndex()
    by_change = ChangeIndex()


WITHOUT_PROPERTIES = tuple(ItemRow.get_attributes().keys() - {"properties", "listing", "position"})
"""The attributes of an item that has no properties; these can be long."""


class ItemStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, ItemRow)
        self._categories: LRUCache[tuple[str, str], bool] = LRUCache(MOST_LISTED)
        self._lock = Lock()

    def key(self, project: str, item_id: str) -> Raw:
        """Returns an item's key, for reading items together with rows of other tables."""
        return self._table.key(key(project, item_id))

    def get(self, project: str, item_id: str) -> Item | None:
        """Returns the current item, deleted or not; None if it never existed."""
        row = self._table.get(key(project, item_id), consistent=True)
        return _item(row) if row else None

    def get_many(
        self, project: str, item_ids: Sequence[str], *, consistent: bool = False, attributes: Sequence[str] = ()
    ) -> dict[str, Item]:
        keys = [key(project, item_id) for item_id in item_ids]
        items = map(_item, self._table.get_many(keys, consistent=consistent, attributes=attributes))
        return {item.item_id: item for item in items}

    def get_stored(self, project: str, item_ids: Sequence[str]) -> dict[str, Item]:
        """Returns items as they are now, deleted or not; many of them take next to no time if a project has no items.

        Only a local database is asked whether it has any, because there the index is never late.
        """
        if self._table.can_load(item_ids) and self._is_empty(project):
            return {}
        return self.get_many(project, item_ids, consistent=True)

    def put(self, project: str, item: Item, previous: Item | None) -> None:
        """Writes an item. Raises Conflict if it has changed since `previous` was read."""
        self._list_categories(project, [(item, previous)])
        self._table.write_rows(_listed(project, item, _added(item, previous)))
        unchanged = ItemRow.key.does_not_exist() if previous is None else ItemRow.updated_at == previous.updated_at
        self._table.put_row(row_of(project, item), unchanged)
        self._unlist(project, [(item, previous)])

    def put_many(self, project: str, changes: Sequence[tuple[Item, Item | None]]) -> None:
        """Writes pairs of an item and its previous state; the last writer wins."""
        self._list_categories(project, changes)
        self._table.write_rows(
            [row for item, previous in changes for row in _listed(project, item, _added(item, previous))]
        )
        self._table.write_rows([row_of(project, item) for item, _ in changes])
        self._unlist(project, changes)

    def put_unless_changed(self, project: str, changes: Sequence[tuple[Item, Item | None]]) -> set[str]:
        """Writes pairs of an item and its stored state, None or a marker of a deleted item for new items.

        Returns the ids of items that were not written, because they have changed since. New items are not compared.
        """
        self._list_categories(project, changes)
        listed = [row for item, previous in changes for row in _listed(project, item, _added(item, previous))]
        rows = {item.item_id: (row_of(project, item), previous) for item, previous in changes}
        if self._table.can_load([*listed, *rows]):
            self._table.load([*listed, *(row for row, _ in rows.values())])
            lost = set[str]()
        else:
            self._table.write_rows(listed)
            self._table.write_rows([row for row, previous in rows.values() if previous is None])
            existing = {name: (row, previous) for name, (row, previous) in rows.items() if previous is not None}
            lost = self._table.put_each(
                {name: (row, ItemRow.updated_at == previous.updated_at) for name, (row, previous) in existing.items()}
            )
        self._unlist(project, [change for change in changes if change[0].item_id not in lost])
        return lost

    def delete_many(self, project: str, deletions: Sequence[tuple[Item, Item]]) -> None:
        """Writes pairs of a deleted item and its previous state.

        The category rows are removed first: if this is interrupted and repeated, none of them is left.
        """
        self._unlist(project, deletions)
        self._table.write_rows([row_of(project, item) for item, _ in deletions])

    def list_page(
        self, project: str, category: str | None, start: str | None, limit: int, *, with_properties: bool = True
    ) -> Page[Item]:
        def get(item_ids: Sequence[str]) -> list[Item]:
            items = self.get_many(project, item_ids, attributes=() if with_properties else WITHOUT_PROPERTIES)
            return [items[item_id] for item_id in item_ids if item_id in items and _belongs(items[item_id], category)]

        return listing.page(self._table, project, category, start, limit, get)

    def latest(self, project: str, category: str | None, limit: int) -> dict[str, datetime]:
        """Returns the creation times of the newest items by id, newest first."""
        return listing.newest(self._table, project, category, limit)

    def changed_since(self, project: str, number: int, since: datetime) -> tuple[list[Item], bool]:
        """Returns a page of a shard's items put or deleted since then, and whether the page has all of them."""
        partition = listing.partition(project, f"{number:02d}")
        rows, more = self._table.query(partition, range_condition=ItemRow.updated_at >= since, index=CHANGES)
        return in_turns(_item, rows), more is None

    def newest_page(
        self, project: str, number: int, limit: int, start: Raw | None = None, since: datetime | None = None
    ) -> tuple[list[Item], Raw | None]:
        """Returns a page of a shard's items, the most recently put or deleted first, and the start of the next one.

        With `since`, it holds only items put or deleted since then.
        """
        rows, more = self.newest_rows(project, number, limit, start, since)
        return in_turns(_item, rows), more

    def newest_rows(
        self, project: str, number: int, limit: int, start: Raw | None = None, since: datetime | None = None
    ) -> tuple[list[Raw], Raw | None]:
        """Returns the same page as rows."""
        return self._table.query(
            listing.partition(project, f"{number:02d}"),
            range_condition=None if since is None else ItemRow.updated_at >= since,
            index=CHANGES,
            limit=limit,
            newest_first=True,
            start=start,
        )

    def _is_empty(self, project: str) -> bool:
        partitions = [listing.partition(project, f"{number:02d}") for number in range(LISTING_SHARDS)]
        return not any(self._table.query(partition, index=CHANGES, limit=1)[0] for partition in partitions)

    def _list_categories(self, project: str, changes: Sequence[tuple[Item, Item | None]]) -> None:
        """Lists the categories that items get, each once in the life of this instance."""
        added = {(project, category) for item, previous in changes for category in _added(item, previous)}
        with self._lock:
            added -= self._categories.keys()
        self._table.write_rows(
            [
                {
                    "key": {"S": key(project, "", category)},
                    "listing": {"S": key(project, "", CATEGORIES)},
                    "position": {"S": category},
                }
                for _, category in sorted(added)
            ]
        )
        with self._lock:
            self._categories.update(dict.fromkeys(added, True))

    def _unlist(self, project: str, changes: Sequence[tuple[Item, Item | None]]) -> None:
        obsolete = [
            self._table.key(key(project, item.item_id, category))
            for item, previous in changes
            if previous
            for category in set(previous.categories) - set(item.categories)
        ]
        self._table.write_many([], obsolete)


def _belongs(item: Item, category: str | None) -> bool:
    return not item.deleted and (category is None or category in item.categories)


def _added(item: Item, previous: Item | None) -> Sequence[str]:
    return [category for category in item.categories if previous is None or category not in previous.categories]


def _position(item: Item) -> str:
    return key(iso(item.created_at), item.item_id)


def _listed(project: str, item: Item, categories: Sequence[str]) -> list[Raw]:
    """Returns the rows of categories as the model would serialize them, in a tenth of the time."""
    number, position = shard(item.item_id, LISTING_SHARDS), _position(item)
    return [
        {
            "key": {"S": key(project, item.item_id, category)},
            "listing": {"S": listing.partition(project, number, category)},
            "position": {"S": position},
        }
        for category in categories
    ]


def row_of(project: str, item: Item) -> Raw:
    """Returns the row of an item, as its model would serialize it, in a fifth of the time."""
    row: dict[str, dict[str, Any]] = {
        "key": {"S": key(project, item.item_id)},
        "listing": {"S": listing.partition(project, shard(item.item_id, LISTING_SHARDS))},
        "updated_at": {"S": iso(item.updated_at)},
    }
    if item.deleted:
        return {**row, "deleted": {"BOOL": True}}
    row |= {"position": {"S": _position(item)}, "created_at": {"S": iso(item.created_at)}}
    if item.title is not None:
        row["title"] = {"S": item.title}
    if item.categories:
        row["categories"] = {"L": [{"S": category} for category in item.categories]}
    if item.properties:
        row["properties"] = {"S": json.dumps(item.properties, ensure_ascii=False)}
    if item.hidden:
        row["hidden"] = {"BOOL": True}
    if item.expires_at is not None:
        row["expires_at"] = {"S": iso(item.expires_at)}
    if item.import_mark is not None:
        row["import_id"] = {"S": item.import_mark.import_id}
        if item.import_mark.is_changed:
            row["import_changed"] = {"BOOL": True}
    return row


def _item(row: Raw) -> Item:
    item_id = str(row["key"]["S"]).split("#", 2)[1]
    updated_at = moment(row["updated_at"]["S"])
    if "deleted" in row:
        return Item(item_id, updated_at=updated_at, created_at=updated_at, deleted=True)
    return Item(
        item_id=item_id,
        title=text(row, "title"),
        categories=texts(row, "categories"),
        properties=decoded(row, "properties") or {},
        created_at=moment(row["created_at"]["S"]),
        updated_at=updated_at,
        hidden="hidden" in row,
        expires_at=instant(row, "expires_at"),
        import_mark=import_mark(row),
    )
