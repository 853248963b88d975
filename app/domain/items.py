"""Items, and searching them."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.fields import EPOCH, ImportMark
from app.domain.preconditions import etag_of


class ItemStatus(StrEnum):
    """Whether an item may be recommended, or why not."""

    SHOWN = "shown"
    HIDDEN = "hidden"
    EXPIRED = "expired"


class ItemOrder(StrEnum):
    """The order of items that were found."""

    TITLE = "title"
    NEWEST = "newest"
    """The last created first."""
    CHANGED = "changed"
    """The last changed first."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be recommended."""

    item_id: str
    title: str | None = None
    categories: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH
    deleted: bool = False
    hidden: bool = False
    """Whether the item is stored but never recommended."""
    expires_at: datetime | None = None
    """When the item stops being recommended. None means never."""
    import_mark: ImportMark | None = field(default=None, compare=False)
    """The import that added the item, if any; it is no fact of the item."""

    @property
    def etag(self) -> str:
        return etag_of(self.created_at, self.updated_at)

    def is_shown(self, now: datetime) -> bool:
        """Whether the item may be recommended."""
        return not self.deleted and not self.hidden and (self.expires_at is None or now < self.expires_at)

    def status(self, now: datetime) -> ItemStatus:
        """Returns the status of an item that is not deleted."""
        if self.hidden:
            return ItemStatus.HIDDEN
        return ItemStatus.SHOWN if self.is_shown(now) else ItemStatus.EXPIRED


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """The items that meet all of some conditions, in an order."""

    text: str = ""
    """The beginning of an id, or of a word of the title."""
    category: str | None = None
    status: ItemStatus | None = None
    order: ItemOrder = ItemOrder.TITLE


@dataclass(frozen=True, slots=True)
class ItemMatches:
    """A page of the items that meet a query."""

    items: tuple[Item, ...]
    total: int
    """The number of items on all pages."""
    categories: Sequence[tuple[str, int]]
    """The most frequent categories of the items that meet the other conditions, with their numbers of items."""
    is_complete: bool
    """Whether all items of the project were searched."""
    next_start: str | None


@dataclass(frozen=True, slots=True)
class PackedShard:
    """What a packed catalog holds of a shard."""

    parts: int
    """The number of rows that its bytes are split into."""
    items: int
    is_complete: bool
    """Whether these were all items of the shard."""


@dataclass(frozen=True, slots=True)
class PackedCatalog:
    """A packed copy of the items of a project, those that were changed last of each shard."""

    catalog_id: str
    as_of: datetime
    """When reading the items began."""
    shards: tuple[PackedShard, ...]

    @property
    def items(self) -> int:
        return sum(shard.items for shard in self.shards)


@dataclass(frozen=True, slots=True)
class PackedCatalogs:
    """The packed catalogs of a project."""

    current: PackedCatalog | None = None
    others: tuple[PackedCatalog, ...] = ()
    """Those that were replaced, or never completed, and have not expired."""
    revision: float | None = None
    """Changes with each write of this record. None if there is none."""
    is_damaged: bool = False
    """Whether the record cannot be read."""


def searchable(text: str) -> str:
    """Returns the words of a text without accents, letter case and punctuation: Café-crème is cafe creme."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(each))
    return " ".join(re.findall(r"\w+", plain))
