"""Items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.fields import EPOCH, ImportMark
from app.domain.preconditions import etag_of


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
