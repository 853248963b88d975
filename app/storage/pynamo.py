"""The private functions of PynamoDB that storage uses. `tests/storage/test_pynamo.py` fails if they change."""

from typing import Any

from pynamodb.connection.table import TableConnection
from pynamodb.models import Model


def connection_of(model: type[Model]) -> TableConnection:
    """Returns the connection of a model's table, which is created on first use."""
    return model._get_connection()  # noqa: SLF001


def forget_connection(model: type[Model]) -> None:
    """Makes a model create its connection again on next use."""
    model._connection = None  # noqa: SLF001


def schema_of(model: type[Model]) -> dict[str, Any]:
    """Returns attribute definitions, keys and indexes of a model's table."""
    return {**model._get_schema()}  # noqa: SLF001


def ttl_attribute(model: type[Model]) -> str | None:
    """Returns the name of the attribute by which rows expire; None if they do not."""
    attribute = model._ttl_attribute()  # type: ignore[no-untyped-call]  # noqa: SLF001
    return None if attribute is None else str(attribute.attr_name)
