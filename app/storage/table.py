"""Access to one table: keys, single rows, batches and pages of a query."""

from collections.abc import Iterator, Mapping, Sequence, Sized
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from app import clock
from app.errors import Conflict
from app.storage.database import Database, Raw, bounded
from app.storage.pynamo import connection_of

SEPARATOR = "#"
"""Never part of a project, user, item or version id."""
LISTING_SHARDS = 8
MONTH_SHARDS = 16
PAGE_ROWS = 2_000
"""Without a limit, DynamoDB Local loads the rest of the partition into its memory for each page."""
LEAST_LOADED = 2_000
"""A load takes longer than writing fewer rows."""


def key(*parts: str) -> str:
    """Joins the parts of a key."""
    return SEPARATOR.join(parts)


def shard(name: str, shards: int) -> str:
    """Returns the shard of a name, as two digits."""
    return f"{crc32(name.encode()) % shards:02d}"


def month_partition(project: str, month: str, user_id: str) -> str:
    """Returns the partition of a user's events of a month in their index."""
    return key(project, month, shard(user_id, MONTH_SHARDS))


def month_partitions(project: str, months: Sequence[str]) -> list[str]:
    """Returns all partitions of some months in the index of events."""
    return [key(project, month, f"{number:02d}") for month in months for number in range(MONTH_SHARDS)]


def iso(moment: datetime) -> str:
    """Formats a time in UTC, in 27 characters that sort by time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_expired(row: Raw) -> bool:
    """Whether a row is invisible, although the database may not have deleted it yet."""
    return int(row["expires_at"]["N"]) <= clock.now().timestamp()


class Table:
    """The table of a PynamoDB model: writes models, reads raw rows (an order of magnitude cheaper to decode)."""

    def __init__(self, database: Database, model: type[Model]) -> None:
        self.database = database
        self.name: str = model.Meta.table_name
        self._connection = connection_of(model)
        meta = self._connection.get_meta_table()
        self._hash, self._range = meta.hash_keyname, meta.range_keyname

    def key(self, hash_value: str, range_value: str | None = None) -> Raw:
        names = {self._hash: {"S": hash_value}}
        if self._range and range_value is not None:
            names[self._range] = {"S": range_value}
        return names

    def get(self, hash_value: str, range_value: str | None = None, *, consistent: bool = False) -> Raw | None:
        request = {"TableName": self.name, "Key": self.key(hash_value, range_value), "ConsistentRead": consistent}
        row: Raw | None = self.database.call("GetItem", request).get("Item")
        return row

    def put(self, row: Model, condition: Condition | None = None) -> None:
        with bounded():
            row.save(condition=condition)

    def put_row(self, row: Raw, condition: Condition | None = None) -> None:
        """Puts a row in DynamoDB's JSON."""
        hash_value, range_value = (row[name]["S"] if name else None for name in (self._hash, self._range))
        with bounded():
            self._connection.put_item(str(hash_value), range_value, attributes=row, condition=condition)

    def update(
        self,
        hash_value: str,
        range_value: str | None,
        actions: Sequence[Action],
        condition: Condition | None = None,
    ) -> None:
        """Changes attributes of a row, which is created if it does not exist and the condition allows it."""
        with bounded():
            self._connection.update_item(hash_value, range_value, actions=actions, condition=condition)

    def delete(self, hash_value: str, range_value: str | None, condition: Condition) -> None:
        """Deletes a row. Raises Conflict if the condition does not hold."""
        with bounded():
            self._connection.delete_item(hash_value, range_value, condition=condition)

    @property
    def partition_key(self) -> Path:
        """The attribute of the partition key, for conditions."""
        return Path(self._hash)

    @property
    def key_names(self) -> tuple[str, ...]:
        """The attributes of a row's key."""
        return (self._hash, self._range) if self._range else (self._hash,)

    def keys_of(self, rows: Sequence[Raw]) -> list[Raw]:
        return [{name: row[name] for name in self.key_names} for row in rows]

    def scan(self, condition: Condition, start: Raw | None, limit: int) -> tuple[list[Raw], Raw | None]:
        """Returns keys of the whole table that meet a condition, from a page of `limit` rows, and the next start key.

        For administration only: this reads everyone's rows. Without a limit, DynamoDB Local would load the whole table
        into its memory for each page.
        """
        with bounded():
            response = self._connection.scan(
                condition,
                attributes_to_get=list(self.key_names),
                exclusive_start_key=start,  # type: ignore[arg-type]  # declared as text, but takes a whole key
                limit=limit,
            )
        return response["Items"], response.get("LastEvaluatedKey")

    def get_many(
        self, hash_values: Sequence[str], *, consistent: bool = False, attributes: Sequence[str] = ()
    ) -> list[Raw]:
        return self.get_keys([self.key(value) for value in hash_values], consistent=consistent, attributes=attributes)

    def get_keys(self, keys: Sequence[Raw], *, consistent: bool = False, attributes: Sequence[str] = ()) -> list[Raw]:
        """Returns those of the rows with these keys that exist, in any order; of each, these attributes or all."""
        if not keys:
            return []
        return self.database.batch_get({self.name: keys}, consistent=consistent, attributes=attributes)[self.name]

    def can_load(self, rows: Sized) -> bool:
        """Whether the database has a way to put many rows, and these are enough for it."""
        return self.database.load is not None and len(rows) >= LEAST_LOADED

    def load(self, rows: Sequence[Raw]) -> None:
        """Puts rows in DynamoDB's JSON in the way that the database has for many rows, all or none."""
        assert self.database.load is not None  # noqa: S101 - can_load
        self.database.load(self.name, rows)

    def put_each(self, puts: Mapping[str, tuple[Raw, Condition]]) -> set[str]:
        """Puts rows with conditions, several at a time; returns the names of those whose condition does not hold."""
        lost = set[str]()

        def put(named: tuple[str, tuple[Raw, Condition]]) -> None:
            name, (row, condition) = named
            try:
                self.put_row(row, condition)
            except Conflict:
                lost.add(name)

        self.database.each(put, list(puts.items()))
        return lost

    def write_many(self, puts: Sequence[Model], deletes: Sequence[Raw] = ()) -> None:
        """Puts and deletes rows in batches; of several puts with one key, the last wins."""
        self.write_rows([put.serialize() for put in puts], deletes)

    def write_rows(self, puts: Sequence[Raw], deletes: Sequence[Raw] = ()) -> None:
        """Writes like `write_many`, from rows in DynamoDB's JSON."""
        rows = {str(row[self._hash]) + str(row.get(self._range or "")): row for row in puts}
        if rows or deletes:
            self.database.batch_write(self.name, list(rows.values()), deletes)

    def query_all(
        self,
        hash_value: str,
        *,
        range_condition: Condition | None = None,
        index: str | None = None,
        newest_first: bool = False,
        consistent: bool = False,
    ) -> Iterator[Raw]:
        """Yields all rows of a partition, read page by page."""
        start = None
        while True:
            rows, start = self.query(
                hash_value,
                range_condition=range_condition,
                index=index,
                newest_first=newest_first,
                consistent=consistent,
                start=start,
            )
            yield from rows
            if start is None:
                return

    def query(
        self,
        hash_value: str,
        *,
        range_condition: Condition | None = None,
        index: str | None = None,
        limit: int = PAGE_ROWS,
        newest_first: bool = False,
        consistent: bool = False,
        start: Raw | None = None,
        attributes: Sequence[str] | None = None,
    ) -> tuple[list[Raw], Raw | None]:
        """Returns one page of a partition (up to 1 MB) and the start key of the next one.

        Builds the request itself, which takes a quarter of the time of PynamoDB.
        """
        partition = self._connection.get_meta_table().get_index_hash_keyname(index) if index else self._hash
        names, values = {str(partition): "#0"}, dict[str, Any]({":0": {"S": hash_value}})
        condition = "#0 = :0"
        if range_condition is not None:
            condition += f" AND {range_condition.serialize(names, values)}"
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "Limit": limit,
            "ScanIndexForward": not newest_first,
            "ConsistentRead": consistent,
        }
        if index:
            request["IndexName"] = index
        if attributes:
            projected = [names.setdefault(name, f"#{len(names)}") for name in attributes]
            request["ProjectionExpression"] = ", ".join(projected)
        if start:
            request["ExclusiveStartKey"] = start
        request["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in names.items()}
        response = self.database.call("Query", request)
        return response["Items"], response.get("LastEvaluatedKey")
