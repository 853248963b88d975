"""The data sets of MovieLens: ml-latest, 100K, 1M, 10M, 20M, 25M and 32M."""

from app.entry.files.layouts.layout import (
    ANY,
    EPOCH,
    EVENTS,
    ITEMS,
    NUMBER,
    RATING,
    STARS,
    TEXT,
    USERS,
    Layout,
    headerless,
    unused,
)

GENRES = (
    *("Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy"),
    *("Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
"""The genres of `u.item` in the order of their columns; before them stands a column of films without a genre."""
MOVIELENS: tuple[Layout, ...] = (
    Layout(
        "MovieLens ratings",
        EVENTS,
        ("userId", "movieId", "rating"),
        {"user_id": "userId", "item_id": "movieId", "value": "rating", "timestamp": "timestamp"},
        constants=RATING,
    ),
    Layout(
        "MovieLens movies",
        ITEMS,
        ("movieId", "title", "genres"),
        {"item_id": "movieId", "title": "title", "categories": "genres"},
    ),
    unused("MovieLens tags", "holds tags by users", "userId", "movieId", "tag"),
    unused("MovieLens links", "holds ids of other sites", "movieId", "imdbId", "tmdbId"),
    unused("MovieLens genome scores", "holds the relevance of tags", "movieId", "tagId", "relevance"),
    unused("MovieLens genome tags", "holds names of tags", "tagId", "tag"),
    headerless(
        "MovieLens ratings.dat",
        EVENTS,
        "::",
        {"user_id": NUMBER, "item_id": NUMBER, "value": STARS, "timestamp": EPOCH},
        constants=RATING,
    ),
    headerless(
        "MovieLens users.dat",
        USERS,
        "::",
        {"user_id": NUMBER, "gender": "[FM]", "age": NUMBER, "occupation": NUMBER, "zip": TEXT},
    ),
    headerless(
        "MovieLens tags.dat",
        None,
        "::",
        {"user_id": NUMBER, "item_id": NUMBER, "tag": TEXT, "timestamp": EPOCH},
        unused_because="holds tags by users",
    ),
    headerless("MovieLens movies.dat", ITEMS, "::", {"item_id": NUMBER, "title": r".*\D.*", "categories": ANY}),
    headerless(
        "MovieLens u.data",
        EVENTS,
        "\t",
        {"user_id": NUMBER, "item_id": NUMBER, "value": "[1-5]", "timestamp": EPOCH},
        constants=RATING,
    ),
    headerless(
        "MovieLens u.user",
        USERS,
        "|",
        {"user_id": NUMBER, "age": NUMBER, "gender": "[FM]", "occupation": TEXT, "zip": TEXT},
    ),
    headerless(
        "MovieLens u.item",
        ITEMS,
        "|",
        {
            "item_id": NUMBER,
            "title": TEXT,
            "released": ANY,
            "video_released": ANY,
            "imdb": ANY,
            **dict.fromkeys(("unknown genre", *GENRES), "[01]"),
        },
        flags={genre: genre for genre in GENRES},
        ignored=("video_released", "unknown genre"),
        encoding="latin-1",
    ),
)
