"""Compare existing tables with the models, and add what is missing if no data is lost."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from time import sleep
from typing import Any

from pynamodb.exceptions import TableDoesNotExist
from pynamodb.models import Model

from app.storage.database import Database, bounded
from app.storage.pynamo import schema_of, ttl_attribute

Described = Mapping[str, Any]
ACTIVE = "ACTIVE"
POLL_SECONDS = 2.0
DATA_WOULD_BE_LOST = (
    "Fixing this would lose data: export the data, delete the table, migrate, and import the data again."
)


@dataclass(frozen=True)
class Difference:
    """A difference between a table and its model."""

    table: str
    what: str
    add: Callable[[], None] | None
    """Fixes the difference without losing data; None if that is impossible."""

    @property
    def advice(self) -> str:
        return DATA_WOULD_BE_LOST if self.add is None else "Run `serendip migrate`."


def migrate(database: Database) -> list[str]:
    """Fixes all differences that can be fixed without losing data; returns what was done.

    `differences` still reports the others.
    """
    done = []
    with bounded():
        for model in database.models:
            for difference in list(_of_table(database, model)):
                if difference.add is not None:
                    difference.add()
                    done.append(f"{difference.table} {difference.what}")
    return done


def lacks_tables(database: Database) -> bool:
    """Whether a table is missing. DynamoDB Local sums up all rows of a table to describe it, but not to list it."""
    with bounded():
        pages = database.connection.client.get_paginator("list_tables").paginate()
        existing = {name for page in pages for name in page["TableNames"]}
    return not existing.issuperset(model.Meta.table_name for model in database.models)


def differences(database: Database) -> list[Difference]:
    """Returns all differences between the tables and their models."""
    with bounded():
        return [difference for model in database.models for difference in _of_table(database, model)]


def _of_table(database: Database, model: type[Model]) -> Iterator[Difference]:
    name, schema = model.Meta.table_name, schema_of(model)
    try:
        described: Described = model.describe_table()
    except TableDoesNotExist:
        yield Difference(name, "is missing", partial(_create, model))
        return
    if described["TableStatus"] not in {ACTIVE, "UPDATING"}:
        yield Difference(name, f"is {described['TableStatus']}", None)
    if _keys(described["KeySchema"]) != _keys(schema["key_schema"]):
        yield Difference(name, "has other keys", None)
    present = {index["IndexName"]: index for index in described.get("GlobalSecondaryIndexes", ())}
    for index in schema["global_secondary_indexes"]:
        existing = present.get(index["index_name"])
        if existing is None:
            add = partial(_add_index, database, name, schema["attribute_definitions"], index)
            yield Difference(name, f"lacks the index {index['index_name']}", add)
        elif _keys(existing["KeySchema"]) != _keys(index["key_schema"]):
            yield Difference(name, f"has other keys in its index {index['index_name']}", None)
    expiring = ttl_attribute(model)
    if expiring is not None and not _expires(database, name, expiring):
        add = partial(_expire, database, name, expiring)
        yield Difference(name, f"does not expire rows by {expiring}", add)
    wanted = getattr(model.Meta, "stream_view_type", None)
    stream = described.get("StreamSpecification", {})
    if wanted and stream.get("StreamViewType") != wanted:
        yield Difference(name, f"has no stream of {wanted}", partial(_renew_stream, database, name, stream, wanted))


def _create(model: type[Model]) -> None:
    model.create_table(billing_mode="PAY_PER_REQUEST", wait=True)


def _add_index(database: Database, table: str, attributes: object, index: Mapping[str, Any]) -> None:
    request = {
        "TableName": table,
        "AttributeDefinitions": attributes,
        "GlobalSecondaryIndexUpdates": [{"Create": as_created(index)}],
    }
    _update(database, request)


def as_created(index: Mapping[str, Any]) -> dict[str, Any]:
    """Converts PynamoDB's description of an index to what requests that create it need."""
    return {
        "IndexName": index["index_name"],
        "KeySchema": index["key_schema"],
        "Projection": index["projection"],
    }


def _renew_stream(database: Database, table: str, stream: Mapping[str, Any], wanted: str) -> None:
    """Replaces the stream, because DynamoDB cannot change the view of an existing one."""
    if stream.get("StreamEnabled"):
        _update(database, {"TableName": table, "StreamSpecification": {"StreamEnabled": False}})
    renewed = {"StreamEnabled": True, "StreamViewType": wanted}
    _update(database, {"TableName": table, "StreamSpecification": renewed})


def _expires(database: Database, table: str, attribute: str) -> bool:
    description = database.connection.client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return description.get("AttributeName") == attribute and description["TimeToLiveStatus"] in {"ENABLED", "ENABLING"}


def _expire(database: Database, table: str, attribute: str) -> None:
    specification = {"AttributeName": attribute, "Enabled": True}
    database.call("UpdateTimeToLive", {"TableName": table, "TimeToLiveSpecification": specification})


def _update(database: Database, request: dict[str, Any]) -> None:
    """Changes a table and waits until it accepts the next change."""
    database.call("UpdateTable", request)
    while not _is_settled(_described(database, request["TableName"])):
        sleep(POLL_SECONDS)


def _is_settled(described: Described) -> bool:
    indexes = described.get("GlobalSecondaryIndexes", ())
    return described["TableStatus"] == ACTIVE and all(index["IndexStatus"] == ACTIVE for index in indexes)


def _described(database: Database, table: str) -> Described:
    described: Described = database.call("DescribeTable", {"TableName": table})["Table"]
    return described


def _keys(schema: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - a list of JSON
    return sorted((key["AttributeName"], key["KeyType"]) for key in schema)
