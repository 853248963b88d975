"""The bodies of requests and responses about items."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from app.api.schemas.fields import Anytime, Body, Categories, ItemField, Patch, Properties, Title, View
from app.api.schemas.records import MAX_RECORDS
from app.domain.fields import Selection
from app.domain.items import Item, ItemMatches

TitleField = Annotated[Title | None, Field(description="The title that shops show.", examples=["Copper Kettle"])]
Hidden = Annotated[bool, Field(description="Keep the item, but never recommend it.", examples=[False])]
Expiry = Annotated[
    Anytime | None,
    Field(
        description="From then on, the item is no longer recommended.",
        examples=["2030-01-31T12:00:00Z"],
    ),
]


class ItemIn(Body):
    title: TitleField = None
    categories: Categories = ()
    properties: Properties = Field(default_factory=dict)
    hidden: Hidden = False
    expires_at: Expiry = None

    def record(self, item_id: str) -> Item:
        categories = tuple(dict.fromkeys(self.categories))
        return Item(item_id, self.title, categories, self.properties, hidden=self.hidden, expires_at=self.expires_at)


class ItemPatch(Patch):
    title: TitleField = None
    categories: Categories = ()
    properties: Properties = Field(
        default_factory=dict,
        description="Merged by RFC 7396: null removes a property.",
        examples=[{"price": 34.95, "brand": None}],
    )
    hidden: Hidden = False
    expires_at: Expiry = None

    def changes(self) -> dict[str, Any]:
        changes = super().changes()
        if "categories" in changes:
            changes["categories"] = tuple(dict.fromkeys(changes["categories"]))
        return changes


class BatchItem(ItemIn):
    item_id: ItemField


class ItemsIn(Body):
    items: Annotated[list[BatchItem], Field(min_length=1, max_length=MAX_RECORDS, description="The items to store.")]


class ItemView(View):
    item_id: Annotated[str, Field(description="The id of the item.", examples=["sku-1042"])]
    title: Annotated[str | None, Field(description="The title.", examples=["Copper Kettle"])]
    categories: Annotated[tuple[str, ...], Field(description="The categories.", examples=[("Kitchen", "Gifts")])]
    properties: Annotated[dict[str, Any], Field(description="The properties.", examples=[{"price": 39.95}])]
    hidden: Annotated[bool, Field(description="Whether the item is never recommended.", examples=[False])]
    expires_at: Annotated[
        datetime | None,
        Field(description="The time from which the item is no longer recommended.", examples=["2026-11-24T10:15:00Z"]),
    ]
    created_at: Annotated[datetime, Field(description="The time of the first PUT.", examples=["2026-11-24T10:15:00Z"])]
    updated_at: Annotated[
        datetime, Field(description="The time of the last change.", examples=["2026-11-24T10:15:00Z"])
    ]

    @classmethod
    def of(cls, item: Item, selection: Selection | None) -> Self:
        """Returns the view of an item, with the selected ones of its properties."""
        view = cls.model_validate(item)
        if selection is not None:
            view.properties = selection.of_properties(view.properties)
        return view


class ItemPage(BaseModel):
    items: Annotated[list[ItemView], Field(description="The items.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]


class CategoryCount(BaseModel):
    category: Annotated[str, Field(description="The category.", examples=["Kitchen"])]
    count: Annotated[int, Field(description="The number of items in it.", examples=[12])]


class ItemSearchView(ItemPage):
    total: Annotated[int, Field(description="The number of items on all pages.", examples=[34])]
    categories: Annotated[
        list[CategoryCount],
        Field(
            description="How many items that meet the other conditions each category has, the 100 most frequent ones."
        ),
    ]
    complete: Annotated[
        bool, Field(description="Whether all items of the project were searched, not only the last changed ones.")
    ]

    @classmethod
    def of(cls, matches: ItemMatches, next_cursor: str | None, selection: Selection | None) -> Self:
        return cls(
            items=[ItemView.of(item, selection) for item in matches.items],
            next_cursor=next_cursor,
            total=matches.total,
            categories=[CategoryCount(category=name, count=count) for name, count in matches.categories],
            complete=matches.is_complete,
        )
