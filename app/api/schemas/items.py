"""The bodies of requests and responses about items."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.api.schemas.batches import MAX_RECORDS
from app.api.schemas.fields import Anytime, Body, Categories, Id, Patch, Properties, Title, View
from app.domain.items import Item

Hidden = Annotated[bool, Field(description="Keep it, but recommend it to nobody.")]


Expiry = Annotated[Anytime, Field(description="From then on it is recommended to nobody.")]


class ItemIn(Body):
    title: Title | None = None
    categories: Categories = ()
    properties: Properties = Field(default_factory=dict)
    hidden: Hidden = False
    expires_at: Expiry | None = None

    def record(self, item_id: str) -> Item:
        categories = tuple(dict.fromkeys(self.categories))
        return Item(item_id, self.title, categories, self.properties, hidden=self.hidden, expires_at=self.expires_at)


class ItemPatch(Patch):
    title: Title | None = None
    categories: Categories = ()
    properties: Properties = Field(default_factory=dict, description="Merged by RFC 7396: null removes a property.")
    hidden: Hidden = False
    expires_at: Expiry | None = None

    def changes(self) -> dict[str, Any]:
        given = super().changes()
        if "categories" in given:
            given["categories"] = tuple(dict.fromkeys(given["categories"]))
        return given


class BatchItem(ItemIn):
    item_id: Id


class ItemsIn(Body):
    items: Annotated[list[BatchItem], Field(min_length=1, max_length=MAX_RECORDS)]


class ItemView(View):
    item_id: str
    title: str | None
    categories: tuple[str, ...]
    properties: dict[str, Any]
    hidden: bool
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ItemPage(BaseModel):
    items: list[ItemView]
    next_cursor: str | None
