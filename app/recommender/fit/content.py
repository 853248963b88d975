"""Neighbours by what items are: so that one is recommended before anybody has touched it, and less so ever after.

TF-IDF over titles, categories and properties (Salton and Buckley, 1988), compared by the cosine. An item of n users
takes part with the strength  1 / (1 + n), so that what people do replaces what the item says of itself.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy import sparse

from app.domain import Item
from app.recommender.fit.local_ridge import Row, largest, of_rows
from app.recommender.fit.solver import Floats

LEAST_STRENGTH = 0.1
"""Below, an item's content does not count any more: from 9 users on."""
LEAST_COSINE = 0.1
KEPT = 20
"""Neighbours by content that a row gets besides its others."""
MOST_ITEMS, MOST_SHARE = 5_000, 0.01
"""A term that more items have, and more than this share of them, says little and costs much."""
MAX_TERMS = 200
BLOCK_ITEMS = 1_000
WORD = re.compile(r"\w{2,}")


def terms(item: Item) -> Iterator[str]:
    """What an item says of itself: words of texts, categories, and named values; numbers say too little."""
    yield from (f"category:{name}" for name in item.categories)
    yield from WORD.findall((item.title or "").lower())
    yield from _of_properties(item.properties, "")


def _of_properties(value: object, name: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner, one in value.items():
            yield from _of_properties(one, f"{name}{inner}:")
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _of_properties(one, name)
    elif isinstance(value, bool):
        yield f"{name}{value}"
    elif isinstance(value, str):
        words = WORD.findall(value.lower())
        yield from words
        if len(words) > 1:
            yield name + value.lower()[:100]


def tf_idf(items: Sequence[Item | None]) -> sparse.csr_matrix:
    """Items x terms, (1 + log tf) * log(items / items with the term), rows of length 1 (or 0: nothing is known).

    Terms that one item alone has, or very many, are left out.
    """
    counts = [Counter(dict(Counter(terms(item)).most_common(MAX_TERMS))) if item else Counter[str]() for item in items]
    having = Counter(term for one in counts for term in one)
    most = max(MOST_SHARE * len(items), MOST_ITEMS)
    numbers = {term: number for number, term in enumerate(sorted(t for t, n in having.items() if 1 < n <= most))}
    rows, columns, values = [], [], []
    for row, one in enumerate(counts):
        for term, frequency in one.items():
            if term in numbers:
                rows.append(row)
                columns.append(numbers[term])
                values.append((1.0 + math.log(frequency)) * math.log(len(items) / having[term]))
    matrix = sparse.csr_matrix((values, (rows, columns)), (len(items), len(numbers)), dtype=np.float32)
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scales = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return (sparse.diags(scales) @ matrix).tocsr()


def weights(vectors: sparse.csr_matrix, users: Floats, scale: float) -> sparse.csr_matrix:
    """C[i, j] = scale * max(strength i, strength j) * cosine(i, j), of shape (items, items), the heaviest of each row.

    Args:
        vectors: as from `tf_idf`.
        users: how many users each item has.
        scale: what an equal item weighs.
    """
    items = len(users)
    strength = 1.0 / (1.0 + users)
    strength[strength < LEAST_STRENGTH] = 0.0
    everything, weak, strong = np.arange(items), np.flatnonzero(strength), np.flatnonzero(strength == 0)
    found: list[Row] = [(everything[:0], strength[:0])] * items
    for sources, targets in ((weak, everything), (strong, weak)):
        turned = vectors[targets].T.tocsr()
        for start in range(0, len(sources), BLOCK_ITEMS):
            block = sources[start : start + BLOCK_ITEMS]
            cosines = (vectors[block] @ turned).tocsr()
            for place, source in enumerate(block.tolist()):
                begin, end = cosines.indptr[place : place + 2]
                columns, entries = targets[cosines.indices[begin:end]], cosines.data[begin:end]
                kept = (entries >= LEAST_COSINE) & (columns != source)
                columns, entries = columns[kept], entries[kept]
                entries = scale * np.maximum(strength[source], strength[columns]) * entries
                chosen = largest(entries, KEPT)
                found[source] = columns[chosen], entries[chosen]
    return of_rows(found, items)


def usual_weight(model: sparse.csr_matrix) -> float:
    """The median over the rows of the heaviest weight: what an item that is as good as the same should weigh."""
    heaviest = np.asarray(model.max(axis=1).todense()).ravel()
    positive = heaviest[heaviest > 0]
    return float(np.median(positive)) if len(positive) else 1.0
