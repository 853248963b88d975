"""Content neighbors, so that items without events are recommended too."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from app.domain.items import Item
from app.recommender import content
from app.recommender.content import KEPT, LEAST_COSINE
from app.recommender.fit.gram import Row, largest, of_rows
from app.recommender.fit.solver import Floats

LEAST_STRENGTH = 0.1
"""Below this, the content of an item no longer counts: with 9 users or more."""
MOST_ITEMS, MOST_SHARE = 5_000, 0.01
"""A term of more items than both limits is left out: it says little and costs much."""
BLOCK_ITEMS = 1_000
LISTED_TERMS = 5_000


def tf_idf(items: Sequence[Item | None]) -> sparse.csr_matrix:
    """Returns items x terms: (1 + log tf) * log(items / items with the term), rows of length 1 (0 if nothing is known).

    Terms of a single item, or of very many, are left out.
    """
    counts = [content.counted(item) if item else Counter[str]() for item in items]
    having = Counter(term for item_terms in counts for term in item_terms)
    numbers = {
        term: number for number, term in enumerate(sorted(t for t, n in having.items() if 1 < n <= _most(items)))
    }
    rows, columns, values = [], [], []
    for row, item_terms in enumerate(counts):
        for term, frequency in item_terms.items():
            if term in numbers:
                rows.append(row)
                columns.append(numbers[term])
                values.append(content.weight(frequency, math.log(len(items) / having[term])))
    matrix = sparse.csr_matrix((values, (rows, columns)), (len(items), len(numbers)), dtype=np.float32)
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scales = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return (sparse.diags(scales) @ matrix).tocsr()


def inverse_frequencies(items: Sequence[Item | None]) -> list[tuple[str, float]]:
    """Returns terms and their log(items / items with the term), for the 5,000 most frequent useful terms.

    They compare new items before the next training. Terms of a single item are kept, since a new item may have them.
    """
    having = Counter(term for item in items if item for term in content.counted(item))
    useful = ((term, number) for term, number in having.most_common() if number <= _most(items))
    return [(term, math.log(len(items) / number)) for term, number in list(useful)[:LISTED_TERMS]]


def _most(items: Sequence[Item | None]) -> float:
    return max(MOST_SHARE * len(items), MOST_ITEMS)


def weights(vectors: sparse.csr_matrix, users: Floats, scale: float) -> sparse.csr_matrix:
    """Returns C[i, j] = scale * max(strength i, strength j) * cosine(i, j), of shape (items, items).

    Each row keeps its heaviest weights.

    Args:
        vectors: result of `tf_idf`.
        users: number of users of each item, shape (items,).
        scale: weight of an item with equal content.
    """
    items = len(users)
    strength = content.strength(users)
    strength[strength < LEAST_STRENGTH] = 0.0
    everything, weak, strong = np.arange(items), np.flatnonzero(strength), np.flatnonzero(strength == 0)
    neighbors: list[Row] = [(everything[:0], strength[:0])] * items
    for sources, targets in ((weak, everything), (strong, weak)):
        transposed = vectors[targets].T.tocsr()
        for start in range(0, len(sources), BLOCK_ITEMS):
            block = sources[start : start + BLOCK_ITEMS]
            cosines = (vectors[block] @ transposed).tocsr()
            for number, source in enumerate(block.tolist()):
                begin, end = cosines.indptr[number : number + 2]
                columns, entries = targets[cosines.indices[begin:end]], cosines.data[begin:end]
                kept = (entries >= LEAST_COSINE) & (columns != source)
                columns, entries = columns[kept], entries[kept]
                entries = scale * np.maximum(strength[source], strength[columns]) * entries
                chosen = largest(entries, KEPT)
                neighbors[source] = columns[chosen], entries[chosen]
    return of_rows(neighbors, items)


def heaviest(model: sparse.csr_matrix) -> Floats:
    """Returns the heaviest weight of each row, shape (items,)."""
    highest: Floats = np.asarray(model.max(axis=1).todense()).ravel()
    return highest


def usual_weight(heaviest: Floats) -> float:
    """Returns the weight of an item with equal content: the median of the heaviest weights; 1 if there are none."""
    positive = heaviest[heaviest > 0]
    return float(np.median(positive)) if len(positive) else 1.0
