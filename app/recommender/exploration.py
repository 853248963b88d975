"""Reserve positions for new items, whose popularity is not known yet."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from app.recommender.randomness import uniform

NEW = timedelta(days=30)

Place = TypeVar("Place")


def places(limit: int, share: float, seed: str, now: datetime) -> int:
    """How many of `limit` places new items get: `share * limit` on average over users and hours.

    What is left of a whole number is drawn by the seed and the hour, so that an answer can be repeated.
    """
    wanted = limit * share
    return int(wanted) + (uniform(f"{seed}\n{now:%Y-%m-%dT%H}") < wanted - int(wanted))


def is_new(created_at: datetime, now: datetime) -> bool:
    return now - created_at < NEW


def shuffled(item_ids: Sequence[str], seed: str) -> list[str]:
    """In an order of the seed's own, so that users explore different items."""
    return sorted(item_ids, key=lambda item_id: uniform(f"{seed}\n{item_id}"))


def spread(best: Sequence[Place], new: Sequence[Place]) -> list[Place]:
    """Both in their orders, the new ones each at the end of an equal stretch of the list."""
    length = len(best) + len(new)
    at = {round((place + 1) * length / len(new)) - 1 for place in range(len(new))} if new else set()
    remaining, coming = iter(best), iter(new)
    return [next(coming) if place in at else next(remaining) for place in range(length)]
