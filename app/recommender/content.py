"""Item content as TF-IDF vectors over titles, categories and properties, compared by cosine similarity.

Salton and Buckley, "Term-weighting approaches in automatic text retrieval", 1988.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.domain.items import Item

LEAST_COSINE = 0.1
KEPT = 20
"""Number of content neighbors added to a row."""
MAX_TERMS = 200
WORD = re.compile(r"\w{2,}")
ADDRESS = re.compile(r"(https?:|data:|/)\S*", re.IGNORECASE)
"""Of a page or picture: its parts say nothing about the item."""

Vector = Mapping[str, float]
"""Weights by term, with Euclidean length 1; empty if nothing is known about the item."""


def terms(item: Item) -> Iterator[str]:
    """Yields the terms of an item: words of texts, categories and named values. Numbers and addresses are left out."""
    yield from (f"category:{name}" for name in item.categories)
    yield from WORD.findall((item.title or "").lower())
    yield from _of_properties(item.properties, "")


def _of_properties(value: object, name: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner, inner_value in value.items():
            yield from _of_properties(inner_value, f"{name}{inner}:")
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _of_properties(entry, name)
    elif isinstance(value, bool):
        yield f"{name}{value}"
    elif isinstance(value, str) and not ADDRESS.fullmatch(value.strip()):
        words = WORD.findall(value.lower())
        yield from words
        if len(words) > 1:
            yield name + " ".join(words)[:100]


def counted(item: Item) -> Counter[str]:
    """Counts the terms of an item; keeps the 200 most frequent."""
    return Counter(dict(Counter(terms(item)).most_common(MAX_TERMS)))


def weight(frequency: int, idf: float) -> float:
    """(1 + log tf) * idf"""
    return (1.0 + math.log(frequency)) * idf


def vector(item: Item, idf: Mapping[str, float]) -> Vector:
    """Returns the TF-IDF vector of an item; terms without an idf are left out."""
    raw = {term: weight(frequency, idf[term]) for term, frequency in counted(item).items() if idf.get(term)}
    length = math.sqrt(sum(value * value for value in raw.values()))
    return {term: value / length for term, value in raw.items()} if length else {}


def strength(users: Any) -> Any:  # noqa: ANN401 - a number or an array of numbers
    """Returns the weight of equal content of an item with n users, relative to the usual heaviest learned weight.

    1 / (2 + n), so that behavior replaces content as events arrive.
    """
    return 1.0 / (2.0 + users)


class NewItems:
    """Index of the items that are newer than the model, searched by content."""

    def __init__(self, items: Iterable[Item], idf: Mapping[str, float]) -> None:
        self._idf = idf
        self._postings: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for item in items:
            for term, value in vector(item, idf).items():
                self._postings[term].append((item.item_id, value))

    def near(self, item: Item) -> dict[str, float]:
        """Returns the 20 most similar new items: cosine by item id."""
        cosines: dict[str, float] = defaultdict(float)
        for term, value in vector(item, self._idf).items():
            for item_id, other in self._postings.get(term, ()):
                cosines[item_id] += value * other
        cosines.pop(item.item_id, None)
        near = sorted(cosines.items(), key=lambda entry: (-entry[1], entry[0]))[:KEPT]
        return {item_id: cosine for item_id, cosine in near if cosine >= LEAST_COSINE}
