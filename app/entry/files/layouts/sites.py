"""Data sets of reviews and music: Amazon Reviews 2023 and Last.fm."""

from app.entry.files.layouts.layout import (
    ANY,
    BOTH,
    EVENTS,
    ISO_TIME,
    ITEMS,
    RATING,
    SHA1,
    TEXT,
    USERS,
    Layout,
    headerless,
)

AMAZON_FIELDS = {"user_id": "user_id", "item_id": "parent_asin", "value": "rating", "timestamp": "timestamp"}
SITES: tuple[Layout, ...] = (
    Layout(
        "Amazon Reviews 2023",
        EVENTS,
        ("user_id", "parent_asin", "rating", "timestamp"),
        AMAZON_FIELDS,
        constants=RATING,
        ignored=("title", "text", "images", "asin", "helpful_vote", "verified_purchase"),
    ),
    Layout(
        "Amazon Reviews 2023 products",
        ITEMS,
        ("main_category", "title", "average_rating", "parent_asin"),
        {"item_id": "parent_asin", "title": "title", "categories": "categories"},
        ignored=("images", "videos", "features", "description", "details", "bought_together", "author", "subtitle"),
    ),
    headerless(
        "Last.fm 360K plays",
        BOTH,
        "\t",
        {"user_id": SHA1, "item_id": r"[0-9a-f-]{36}|", "title": TEXT, "value": r" *\d+"},
        constants={"event_type": "play"},
    ),
    headerless(
        "Last.fm 360K profiles",
        USERS,
        "\t",
        {"user_id": SHA1, "gender": "[fm]?", "age": r"-?\d*", "country": ANY, "signup": ANY},
    ),
    headerless(
        "Last.fm 1K plays",
        BOTH,
        "\t",
        {
            "user_id": r"user_\d{6}",
            "timestamp": ISO_TIME,
            "item_id": r"[0-9a-f-]{36}|",
            "title": TEXT,
            "track_id": ANY,
            "track": ANY,
        },
        constants={"event_type": "play"},
    ),
    Layout("Last.fm 1K profiles", USERS, ("#id", "gender", "age", "country", "registered"), {"user_id": "#id"}),
)
