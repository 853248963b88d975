"""List the records of a table by creation time, spread over shards so that no partition gets hot."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from app.domain.paging import Page
from app.storage.database import Raw, awaited
from app.storage.table import LISTING_SHARDS, SEPARATOR, Table, key, moment

INDEX = "listing"
Record = TypeVar("Record")


class ListingIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Partition: project#shard[#category]; sort: creation time#id."""

    class Meta:
        index_name = INDEX
        projection = KeysOnlyProjection()

    listing = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)


def page(
    table: Table,
    project: str,
    category: str | None,
    start: str | None,
    limit: int,
    get: Callable[[Sequence[str]], Sequence[Record]],
) -> Page[Record]:
    """Returns up to `limit` records, shard after shard.

    `get` takes ids and returns the records that still belong to the listing, so a page can be shorter than `limit`, or
    empty, and still have a next one. `start` is the `next_start` of the previous page: shard:position.
    """
    number, _, position = (start or "0").partition(":")
    ids: list[str] = []
    for shard in range(int(number), LISTING_SHARDS):
        hash_value = partition(project, f"{shard:02d}", category)
        rows, more = table.query(
            hash_value,
            index=INDEX,
            limit=limit - len(ids),
            start=_start_key(table, project, category, hash_value, position) if position else None,
        )
        ids += [_record_id(row) for row in rows]
        if more or len(ids) == limit:
            reached = f"{shard}:{rows[-1]['position']['S']}" if rows else f"{shard}:{position}"
            return Page(tuple(get(ids)), reached)
        position = ""
    return Page(tuple(get(ids)), None)


def newest(table: Table, project: str, category: str | None, limit: int) -> dict[str, datetime]:
    """Returns the creation times of the newest records by id, newest first."""

    def query(shard: int) -> list[Raw]:
        hash_value = partition(project, f"{shard:02d}", category)
        return table.query(hash_value, index=INDEX, limit=limit, newest_first=True)[0]

    pending = [table.database.submit(query, shard) for shard in range(LISTING_SHARDS)]
    rows = [row for shard in pending for row in awaited(shard)]
    rows.sort(key=lambda row: str(row["position"]["S"]), reverse=True)
    return {_record_id(row): moment(row["position"]["S"].partition(SEPARATOR)[0]) for row in rows[:limit]}


def partition(project: str, shard: str, category: str | None = None) -> str:
    return key(project, shard) if category is None else key(project, shard, category)


def _record_id(row: Raw) -> str:
    return str(row["position"]["S"]).partition("#")[2]


def _start_key(table: Table, project: str, category: str | None, hash_value: str, position: str) -> dict[str, Any]:
    record_id = position.partition("#")[2]
    primary = key(project, record_id) if category is None else key(project, record_id, category)
    return {**table.key(primary), "listing": {"S": hash_value}, "position": {"S": position}}
