"""Bought together: which items share baskets, more often than their popularity explains.

    w[i, j] = c / (n_i^a * n_j^(1 - a)) * c / (c + k)

with c baskets that hold both items, and n_i and n_j that hold each: the asymmetric cosine of Aiolli, "Efficient Top-N
Recommendation for Very Large Scale Binary Rated Datasets", RecSys 2013, shrunk as in Bell and Koren, ICDM 2007, because
few baskets are weak evidence. It is 1 at most. `make bench ONLY=bought` compares it with other measures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from app.recommender import packing
from app.recommender.fit.bought.baskets import PurchaseLog, baskets
from app.recommender.fit.interactions import Floats, Integers

SOURCE_EXPONENT = 0.7
"""a: 1 is the share of the baskets with i that hold j, 0.5 the cosine."""
SHRINKAGE = 2.0
"""k."""
FEWEST = 2
"""Baskets that two items have to share."""
KEPT = 50


@dataclass(frozen=True)
class Pairs:
    """How often items are bought, and how often together."""

    item_ids: list[str]
    counts: sparse.csr_matrix
    """C of shape (items, items): baskets with both items; on the diagonal, baskets with the item."""

    @classmethod
    def of(cls, log: PurchaseLog) -> "Pairs":
        purchases, item_ids = log.purchases()
        return cls(item_ids, counted(baskets(purchases, len(item_ids))))

    def packed(self) -> list[tuple[str, bytes]]:
        """Returns each item with others that it is bought together with, and its packed row."""
        return list(packed(self.counts, 0, self.counts.diagonal(), self.item_ids))


def counted(baskets: sparse.csr_matrix) -> sparse.csr_matrix:
    """Returns C = B' B for baskets B of shape (baskets, items)."""
    return (baskets.T @ baskets).tocsr()


def weights(together: Integers, of_source: float, of_targets: Floats) -> Floats:
    """Returns w, in (0, 1], from the numbers of baskets with both items and with each."""
    cosine = together / (of_source**SOURCE_EXPONENT * of_targets ** (1.0 - SOURCE_EXPONENT))
    shrunk: Floats = cosine * together / (together + SHRINKAGE)
    return shrunk


def packed(
    counts: sparse.csr_matrix, first: int, of_items: Integers, item_ids: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """Yields the items of some rows that have pairs, each with its packed row, heaviest first.

    Args:
        counts: some rows of C.
        first: the number of the first row.
        of_items: the number of baskets with each item, shape (items,).
        item_ids: ids of all items, sorted.
    """
    for number in range(counts.shape[0]):
        start, end = counts.indptr[number : number + 2]
        source, others, together = first + number, counts.indices[start:end], counts.data[start:end]
        often = (others != source) & (together >= FEWEST)
        others, together = others[often], together[often]
        if not len(others):
            continue
        strengths = weights(together, float(of_items[source]), of_items[others].astype(np.float64))
        best = np.lexsort((others, -strengths))[:KEPT]
        ids = [item_ids[other] for other in others[best].tolist()]
        entries = zip(ids, strengths[best].tolist(), together[best].tolist(), strict=True)
        yield item_ids[source], packing.pack_counts(entries, int(of_items[source]))
