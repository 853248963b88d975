"""Data sets of reviews and music: Amazon Reviews 2023 and Last.fm (360K, 1K and HetRec 2011)."""

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
    unused,
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
    Layout(
        "Last.fm HetRec plays",
        EVENTS,
        ("userID", "artistID", "weight"),
        {"user_id": "userID", "item_id": "artistID", "value": "weight"},
        constants={"event_type": "play"},
    ),
    Layout(
        "Last.fm HetRec artists",
        ITEMS,
        ("id", "name", "url", "pictureURL"),
        {"item_id": "id", "title": "name"},
        is_quoted=False,
    ),
    unused("HetRec tagged artists", "holds tags by users", "userID", "artistID", "tagID"),
    unused("HetRec tags", "holds names of tags", "tagID", "tagValue"),
    unused("HetRec friends", "holds friendships between users", "userID", "friendID"),
)
