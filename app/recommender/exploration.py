"""Reserve positions for new items, whose popularity is not known yet."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from app.recommender.randomness import uniform

NEW = timedelta(days=30)

Entry = TypeVar("Entry")


def positions(limit: int, share: float, seed: str, now: datetime) -> int:
    """Returns how many of `limit` positions new items get: `share * limit` on average over users and hours.

    The fraction is rounded up or down at random, by the seed and the hour, so that a response can be reproduced.
    """
    wanted = limit * share
    return int(wanted) + (uniform(f"{seed}\n{now:%Y-%m-%dT%H}") < wanted - int(wanted))


def is_new(created_at: datetime, now: datetime) -> bool:
    return now - created_at < NEW


def shuffled(item_ids: Sequence[str], seed: str) -> list[str]:
    """Shuffles items deterministically by the seed, so that users explore different items."""
    return sorted(item_ids, key=lambda item_id: uniform(f"{seed}\n{item_id}"))


def spread(best: Sequence[Entry], new: Sequence[Entry]) -> list[Entry]:
    """Merges both lists in order, with the new entries spread evenly: each ends an equal part of the list."""
    length = len(best) + len(new)
    reserved = {round((number + 1) * length / len(new)) - 1 for number in range(len(new))} if new else set()
    remaining, upcoming = iter(best), iter(new)
    return [next(upcoming) if position in reserved else next(remaining) for position in range(length)]
