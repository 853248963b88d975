"""Exports of other services: Amazon Personalize, GA4, Gorse and Recombee."""

from collections.abc import Mapping, Sequence

from app.entry.files.layouts.layout import BOTH, EVENTS, ITEMS, Layout
from app.recommender.events.kinds import GA4_TYPES

GA4_FIELDS: Mapping[str, str | Sequence[str]] = {
    "user_id": "user_id",
    "session_id": "user_pseudo_id",
    "item_id": "item_id",
    "event_type": "event_name",
    "timestamp": "event_timestamp",
    "title": "item_name",
    "categories": ("item_category", "item_category2", "item_category3"),
    "value": "price",
    "properties.brand": "item_brand",
    "properties.price": "price",
}
EXPORTS: tuple[Layout, ...] = (
    Layout(
        "Amazon Personalize items",
        ITEMS,
        ("ITEM_ID",),
        without=("USER_ID",),
        fields={
            "item_id": "ITEM_ID",
            "title": ("TITLE", "ITEM_NAME"),
            "categories": ("GENRES", "CATEGORY_L1", "CATEGORY_L2", "CATEGORY_L3"),
        },
    ),
    Layout(
        "Amazon Personalize interactions",
        EVENTS,
        ("USER_ID", "ITEM_ID", "TIMESTAMP"),
        {
            "user_id": "USER_ID",
            "item_id": "ITEM_ID",
            "timestamp": "TIMESTAMP",
            "event_type": "EVENT_TYPE",
            "value": "EVENT_VALUE",
        },
    ),
    Layout(
        "GA4 export",
        BOTH,
        ("event_name", "event_timestamp", "user_pseudo_id", "items"),
        GA4_FIELDS,
        event_types=GA4_TYPES,
        missing=("(not set)",),
        names_all_events=True,
        explode="items",
    ),
    Layout(
        "GA4 export, one item a row",
        BOTH,
        ("event_name", "event_timestamp", "user_pseudo_id", "item_id"),
        GA4_FIELDS,
        event_types=GA4_TYPES,
        missing=("(not set)",),
        names_all_events=True,
    ),
    *(
        Layout(
            "Gorse events",
            EVENTS,
            columns,
            dict(zip(("event_type", "user_id", "item_id", "timestamp", "value"), (*columns, value), strict=True)),
        )
        for columns, value in (
            (("feedback_type", "user_id", "item_id", "time_stamp"), "value"),
            (("feedback_type", "user_id", "item_id", "timestamp"), "value"),
            (("FeedbackType", "UserId", "ItemId", "Timestamp"), "Value"),
        )
    ),
    *(
        Layout(
            "Gorse items",
            ITEMS,
            (item_id, hidden),
            {"item_id": item_id, "hidden": hidden, "categories": categories, "title": title},
        )
        for item_id, hidden, categories, title in (
            ("item_id", "is_hidden", "categories", "title"),
            ("ItemId", "IsHidden", "Categories", "Title"),
        )
    ),
    Layout(
        "Recombee purchases",
        EVENTS,
        ("userId", "itemId", "timestamp", "amount", "price", "profit"),
        {"user_id": "userId", "item_id": "itemId", "timestamp": "timestamp", "value": "price"},
        constants={"event_type": "purchase"},
    ),
    Layout(
        "Recombee detail views",
        EVENTS,
        ("userId", "itemId", "timestamp", "duration"),
        {"user_id": "userId", "item_id": "itemId", "timestamp": "timestamp"},
        constants={"event_type": "view"},
    ),
)
