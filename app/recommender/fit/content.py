"""Neighbors by what items are: so that one is recommended before anybody has touched it, and less so ever after.

An item of n users takes part with the strength  1 / (1 + n), so that what people do replaces what the item says of
itself.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from app.domain.items import Item
from app.recommender import content
from app.recommender.content import KEPT, LEAST_COSINE
from app.recommender.fit.local_ridge import Row, largest, of_rows
from app.recommender.fit.solver import Floats

LEAST_STRENGTH = 0.1
"""Below, an item's content does not count any more: from 9 users on."""
MOST_ITEMS, MOST_SHARE = 5_000, 0.01
"""A term that more items have, and more than this share of them, says little and costs much."""
BLOCK_ITEMS = 1_000
LISTED_TERMS = 5_000


def tf_idf(items: Sequence[Item | None]) -> sparse.csr_matrix:
    """Items x terms, (1 + log tf) * log(items / items with the term), rows of length 1 (or 0: nothing is known).

    Terms that one item alone has, or very many, are left out.
    """
    counts = [content.counted(item) if item else Counter[str]() for item in items]
    having = Counter(term for one in counts for term in one)
    numbers = {
        term: number for number, term in enumerate(sorted(t for t, n in having.items() if 1 < n <= _most(items)))
    }
    rows, columns, values = [], [], []
    for row, one in enumerate(counts):
        for term, frequency in one.items():
            if term in numbers:
                rows.append(row)
                columns.append(numbers[term])
                values.append(content.weight(frequency, math.log(len(items) / having[term])))
    matrix = sparse.csr_matrix((values, (rows, columns)), (len(items), len(numbers)), dtype=np.float32)
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scales = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return (sparse.diags(scales) @ matrix).tocsr()


def inverse_frequencies(items: Sequence[Item | None]) -> list[tuple[str, float]]:
    """Terms and their log(items / items with the term), the 5,000 most frequent ones that say something.

    With them new items are compared before the next training; those that one item alone has may be another's then.
    """
    having = Counter(term for item in items if item for term in content.counted(item))
    telling = ((term, number) for term, number in having.most_common() if number <= _most(items))
    return [(term, math.log(len(items) / number)) for term, number in list(telling)[:LISTED_TERMS]]


def _most(items: Sequence[Item | None]) -> float:
    return max(MOST_SHARE * len(items), MOST_ITEMS)


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


def heaviest(model: sparse.csr_matrix) -> Floats:
    """Of each row."""
    found: Floats = np.asarray(model.max(axis=1).todense()).ravel()
    return found


def usual_weight(heaviest: Floats) -> float:
    """The median of the rows' heaviest weights: what an item that is as good as the same should weigh."""
    positive = heaviest[heaviest > 0]
    return float(np.median(positive)) if len(positive) else 1.0
