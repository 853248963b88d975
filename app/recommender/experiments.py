"""Compare model versions: assign users to versions, and interleave the lists of two versions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from math import log
from typing import NamedTuple

from app.domain.models import ActiveModel, Variant
from app.domain.recommendations import Recommendation
from app.recommender.randomness import uniform


class Serving(NamedTuple):
    """The versions that an answer is made with."""

    active: ActiveModel | None
    other: ActiveModel | None = None
    """Its list is mixed with the active one's."""
    shadow: ActiveModel | None = None
    """Its list is compared with the answer."""


def serving(pointer: ActiveModel | None, user_id: str, now: datetime) -> Serving:
    """Who serves a user; one who has no id is served by the active version."""
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
    """The variant that serves a user: the same one as long as the shares stay.

    Weighted rendezvous hashing: the largest  -share / ln(u)  wins, u being uniform and the user's and version's own.
    Where a share grows, users move to that variant only (Schindelhauer and Schomaker, SPAA 2005).
    """
    return max(variants, key=lambda one: -one.share / log(uniform(f"{one.version}\n{user_id}") or 2.0**-64))


def shadow_of(active: ActiveModel, user_id: str, now: datetime) -> ActiveModel | None:
    """The version that an answer is to be compared with, drawn by the shadows' shares."""
    drawn = uniform(f"shadow\n{user_id}\n{now.isoformat()}")
    for one in active.shadows:
        if drawn < one.share:
            return active.of(one)
        drawn -= one.share
    return None


def team_draft(
    ours: Sequence[Recommendation],
    theirs: Sequence[Recommendation],
    limit: int,
    seed: str,
    admits: Callable[[Recommendation], bool],
) -> list[Recommendation]:
    """One list of two, in which `from_challenger` says who chose an item.

    In each round both sides, the first by lot, choose their best item that is not there yet (Radlinski, Kurup and
    Joachims, CIKM 2008). The seed decides all lots.
    """
    drafted: list[Recommendation] = []
    taken: set[str] = set()
    sides = [iter(ours), iter(theirs)]
    for number in range(limit):
        for side in sides if uniform(f"{seed}\n{number}") < 1 / 2 else reversed(sides):
            one = next((one for one in side if one.item_id not in taken and admits(one)), None)
            if one is not None and len(drafted) < limit:
                taken.add(one.item_id)
                drafted.append(one)
    return drafted
