"""Pack items into bytes: the columns of their rows as JSON, compressed.

Properties are the text of the rows, so that unpacking an item gives the same as reading it.
"""

import json
import zlib
from collections.abc import Sequence
from itertools import starmap
from typing import Any

import orjson

from app.domain.fields import ImportMark
from app.domain.items import Item
from app.storage.attributes import text, texts
from app.storage.database import Raw
from app.storage.table import moment

LEVEL = 6
"""Of zlib."""
COLUMNS = (
    "ids",
    "titles",
    "categories",
    "properties",
    "created",
    "updated",
    "deleted",
    "hidden",
    "expire",
    "imports",
    "import_changed",
)
"""In the order of `_item`'s arguments."""


class DamagedItems(Exception):
    """Packed bytes are not what was packed."""


def pack(rows: Sequence[Raw]) -> bytes:
    """Packs rows of items in their order."""
    columns: dict[str, list[Any]] = {
        "ids": [row["key"]["S"].split("#", 2)[1] for row in rows],
        "titles": [text(row, "title") for row in rows],
        "categories": [texts(row, "categories") for row in rows],
        "created": [text(row, "created_at") for row in rows],
        "updated": [row["updated_at"]["S"] for row in rows],
        "deleted": [int("deleted" in row) for row in rows],
        "hidden": [int("hidden" in row) for row in rows],
        "expire": [text(row, "expires_at") for row in rows],
        "imports": [text(row, "import_id") for row in rows],
        "import_changed": [int("import_changed" in row) for row in rows],
    }
    properties = b",".join((text(row, "properties") or "{}").encode() for row in rows)
    return zlib.compress(orjson.dumps(columns)[:-1] + b',"properties":[' + properties + b"]}", LEVEL)


def unpack(packed: bytes) -> list[Item]:
    """Returns the items in the order of their rows.

    Raises:
        DamagedItems: these are not the bytes of packed rows.
    """
    try:
        columns = json.loads(zlib.decompress(packed))
        return list(starmap(_item, zip(*(columns[name] for name in COLUMNS), strict=True)))
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise DamagedItems("The packed items cannot be read.") from error


def _item(
    item_id: str,
    title: str | None,
    categories: list[str],
    properties: dict[str, Any],
    created: str,
    updated: str,
    deleted: int,
    hidden: int,
    expires: str | None,
    import_id: str | None,
    import_changed: int,
) -> Item:
    updated_at = moment(updated)
    if deleted:
        return Item(item_id, updated_at=updated_at, created_at=updated_at, deleted=True)
    return Item(
        item_id=item_id,
        title=title,
        categories=tuple(categories),
        properties=properties,
        created_at=moment(created),
        updated_at=updated_at,
        hidden=bool(hidden),
        expires_at=None if expires is None else moment(expires),
        import_mark=None if import_id is None else ImportMark(import_id, bool(import_changed)),
    )
