"""Compare model versions: assign users to versions, and interleave the lists of two versions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from math import log
from typing import NamedTuple

from app.domain.models import ActiveModel, Variant
from app.domain.recommendations import Recommendation
from app.recommender.randomness import uniform


class Serving(NamedTuple):
    """The model versions that one response is computed with."""

    active: ActiveModel | None
    other: ActiveModel | None = None
    """Its list is interleaved with the active version's."""
    shadow: ActiveModel | None = None
    """Its list is only compared with the response."""


def serving(pointer: ActiveModel | None, user_id: str, now: datetime) -> Serving:
    """Returns the versions that serve a user; requests without a user get the active version."""
    if pointer is None or not user_id:
        return Serving(pointer)
    shadow = shadow_of(pointer, user_id, now)
    variant = variant_of(pointer.variants, user_id) if pointer.variants else None
    if variant is None or variant.version == pointer.version:
        return Serving(pointer, None, shadow)
    if pointer.interleaved:
        return Serving(pointer, pointer.of(variant), shadow)
    return Serving(pointer.of(variant), None, shadow)


def variant_of(variants: Sequence[Variant], user_id: str) -> Variant:
    """Returns the variant that serves a user, which stays the same until the shares change.

    Weighted rendezvous hashing: the largest  -share / ln(u)  wins, with u uniform and derived from user and version.
    If a share grows, users move to that variant only (Schindelhauer and Schomaker, SPAA 2005).
    """
    return max(variants, key=lambda variant: -variant.share / log(uniform(f"{variant.version}\n{user_id}") or 2.0**-64))


def shadow_of(active: ActiveModel, user_id: str, now: datetime) -> ActiveModel | None:
    """Returns the shadow version to compare a response with, drawn by the shadows' shares; None if none is drawn."""
    drawn = uniform(f"shadow\n{user_id}\n{now.isoformat()}")
    for shadow in active.shadows:
        if drawn < shadow.share:
            return active.of(shadow)
        drawn -= shadow.share
    return None


def team_draft(
    ours: Sequence[Recommendation],
    theirs: Sequence[Recommendation],
    limit: int,
    seed: str,
    admits: Callable[[Recommendation], bool],
) -> list[Recommendation]:
    """Interleaves two lists by team draft; `from_challenger` says which side chose an item.

    In each round both sides, in random order, add their best item that is not in the list yet (Radlinski, Kurup and
    Joachims, CIKM 2008). The seed determines the order of each round.
    """
    drafted: list[Recommendation] = []
    taken: set[str] = set()
    sides = [iter(ours), iter(theirs)]
    for number in range(limit):
        for side in sides if uniform(f"{seed}\n{number}") < 1 / 2 else reversed(sides):
            best = next((entry for entry in side if entry.item_id not in taken and admits(entry)), None)
            if best is not None and len(drafted) < limit:
                taken.add(best.item_id)
                drafted.append(best)
    return drafted
