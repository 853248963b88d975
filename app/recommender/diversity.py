"""Making the items of a list unlike each other."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from app.domain.items import Item
from app.domain.recommendations import Diversity

CATEGORIES = "categories"
WORD = re.compile(r"\w{2,}")

Features = frozenset[str]


def features(item: Item | None) -> Features:
    """What items are compared by: categories, and the words of the title."""
    if item is None:
        return frozenset()
    words = WORD.findall((item.title or "").lower())
    return frozenset((*(f"{CATEGORIES}:{one}" for one in item.categories), *words))


def similarity(one: Features, other: Features) -> float:
    """Jaccard's index, in [0, 1]; 0 if there is nothing to compare."""
    union = len(one | other)
    return len(one & other) / union if union else 0.0


def most_marginal(
    scores: Sequence[float], candidates: Sequence[Features], chosen: Sequence[Features], relevance: float, count: int
) -> list[int]:
    """Positions of up to `count` candidates, by maximal marginal relevance.

    Each is the one with the largest  relevance * score / highest score - (1 - relevance) * max similarity to those
    chosen before it  (Carbonell and Goldstein, SIGIR 1998); of equal ones the first.
    """
    highest = max(scores, default=0.0) or 1.0
    nearest = [max((similarity(one, other) for other in chosen), default=0.0) for one in candidates]
    left = list(range(len(candidates)))
    order: list[int] = []
    while left and len(order) < count:
        best = max(left, key=lambda at: (relevance * scores[at] / highest - (1.0 - relevance) * nearest[at], -at))
        left.remove(best)
        order.append(best)
        for at in left:
            nearest[at] = max(nearest[at], similarity(candidates[at], candidates[best]))
    return order


class Caps:
    """Counts the values of a property, so that none comes more often than it may."""

    def __init__(self, wanted: Diversity | None) -> None:
        self._wanted = wanted
        self._counts: Counter[str] = Counter()

    def admits(self, item: Item | None) -> bool:
        """Whether there is room for the item; if so, it is taken."""
        if self._wanted is None or self._wanted.property is None:
            return True
        values = _values(item, self._wanted.property)
        if any(self._counts[value] >= self._wanted.max_per_value for value in values):
            return False
        self._counts.update(values)
        return True


def _values(item: Item | None, name: str) -> set[str]:
    if item is None:
        return set()
    found: Any = item.categories if name == CATEGORIES else item.properties.get(name)
    if found is None:
        return set()
    return {repr(one) for one in found} if isinstance(found, list | tuple) else {repr(found)}
