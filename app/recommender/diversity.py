"""Diversify a list: maximal marginal relevance, and caps on the values of a property."""

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
    """Returns the features that items are compared by: categories and words of the title."""
    if item is None:
        return frozenset()
    words = WORD.findall((item.title or "").lower())
    return frozenset((*(f"{CATEGORIES}:{category}" for category in item.categories), *words))


def similarity(first: Features, second: Features) -> float:
    """Returns the Jaccard index |A and B| / |A or B|, in [0, 1]; 0 if both are empty."""
    union = len(first | second)
    return len(first & second) / union if union else 0.0


def most_marginal(
    scores: Sequence[float], candidates: Sequence[Features], chosen: Sequence[Features], relevance: float, count: int
) -> list[int]:
    """Returns the positions of up to `count` candidates, chosen by maximal marginal relevance.

    Each step chooses the candidate with the largest  relevance * score / highest score - (1 - relevance) * highest
    similarity to a chosen one  (Carbonell and Goldstein, SIGIR 1998); of equals, the first.
    """
    highest = max(scores, default=0.0) or 1.0
    nearest = [max((similarity(candidate, item) for item in chosen), default=0.0) for candidate in candidates]
    remaining = list(range(len(candidates)))
    order: list[int] = []
    while remaining and len(order) < count:
        best = max(
            remaining,
            key=lambda position: (
                relevance * scores[position] / highest - (1.0 - relevance) * nearest[position],
                -position,
            ),
        )
        remaining.remove(best)
        order.append(best)
        for position in remaining:
            nearest[position] = max(nearest[position], similarity(candidates[position], candidates[best]))
    return order


class Caps:
    """Limits how many items of a list may share a value of a property."""

    def __init__(self, diversity: Diversity | None) -> None:
        self._diversity = diversity
        self._counts: Counter[str] = Counter()

    def admits(self, item: Item | None) -> bool:
        """Counts the item and returns True if the limit allows it."""
        if self._diversity is None or self._diversity.property is None:
            return True
        values = _values(item, self._diversity.property)
        if any(self._counts[value] >= self._diversity.max_per_value for value in values):
            return False
        self._counts.update(values)
        return True


def _values(item: Item | None, name: str) -> set[str]:
    if item is None:
        return set()
    value: Any = item.categories if name == CATEGORIES else item.properties.get(name)
    if value is None:
        return set()
    return {repr(entry) for entry in value} if isinstance(value, list | tuple) else {repr(value)}
