"""The Gram matrix G = Xn' Xn in blocks of rows, of which the strongest entries stay in memory, and its submatrices."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.recommender.fit.solver import SMALLEST, Floats

Integers = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]
Row = tuple[Integers, npt.NDArray[np.floating]]
"""Columns and their entries."""

Part = TypeVar("Part")
Result = TypeVar("Result")

THREADS = os.cpu_count() or 1
BLOCK_ITEMS = 2_000
GRAM_ENTRIES, LEAST_KEPT = 60_000_000, 300
"""Number of entries of the Gram matrix to keep, the strongest (8 bytes each), and the least number per row.

The others count as 0, which ruins the solution if they are many: with 300 of the 1,966 entries in a row of Online
Retail, NDCG@20 is .12 instead of .31.
"""
DENSE_RANKS = 4_000
"""Items with the most pairs, whose pairs are kept densely (64 MB)."""


@dataclass(frozen=True)
class Gram:
    """G = Xn' Xn: the strongest entries of each row off the diagonal, the diagonal, and the sum off the diagonal."""

    strongest: sparse.csr_matrix
    diagonal: Floats
    apart: float

    @classmethod
    def of(cls, blocks: Iterable["Block"]) -> "Gram":
        """Joins blocks of rows, in order."""
        matrices, diagonals, sums = zip(*blocks, strict=True)
        return cls(sparse.vstack(matrices, "csr"), np.concatenate(diagonals), sum(sums))

    @property
    def ridge_unit(self) -> float:
        """The unit of lambda: the mean of the diagonal."""
        return max(float(self.diagonal.mean()), SMALLEST)


Block = tuple[sparse.csr_matrix, Floats, float]
"""The strongest entries of some rows off the diagonal, the diagonal, and the sum of all entries off the diagonal."""


def gram(normal: sparse.csr_matrix) -> Gram:
    """Computes the Gram matrix in blocks of rows; only the strongest entries of each stay in memory."""
    transposed = normal.T.tocsr()
    starts = range(0, normal.shape[1], BLOCK_ITEMS)
    return Gram.of(in_threads(lambda start: pruned(start, _block(transposed, normal, start)), starts, THREADS))


def gram_blocks(normal: sparse.csr_matrix) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """Yields Xn' Xn in blocks of rows, each with the number of its first row."""
    transposed = normal.T.tocsr()
    for start in range(0, normal.shape[1], BLOCK_ITEMS):
        yield start, _block(transposed, normal, start)


def _block(transposed: sparse.csr_matrix, normal: sparse.csr_matrix, start: int) -> sparse.csr_matrix:
    return (transposed[start : start + BLOCK_ITEMS] @ normal).tocsr()


def in_threads(work: Callable[[Part], Result], parts: Iterable[Part], threads: int) -> Iterator[Result]:
    """Yields the result of each part in order. Threads run at most two parts each ahead, to limit memory."""
    remaining = iter(parts)
    with ThreadPoolExecutor(threads) as pool:
        running = deque(pool.submit(work, part) for part in islice(remaining, 2 * threads))
        while running:
            result = running.popleft().result()
            running.extend(pool.submit(work, part) for part in islice(remaining, 1))
            yield result


def pruned(start: int, block: sparse.csr_matrix) -> Block:
    """Returns the strongest entries of a block's rows off the diagonal, the diagonal, and the sum of the others.

    Sums of doubles are rounded before entries are chosen, so that the order of summation does not matter.
    """
    items = block.shape[1]
    most = max(GRAM_ENTRIES // items, LEAST_KEPT)
    if not block.has_sorted_indices:
        block = block.tocsc().tocsr()  # faster than sorting
    diagonal = block.diagonal(start)
    kept = apart(start, block)
    entries = block.data.astype(np.float32)
    for row in np.flatnonzero(np.diff(block.indptr) > most).tolist():
        others = block.indptr[row] + np.flatnonzero(kept[block.indptr[row] : block.indptr[row + 1]])
        kept[others] = False
        kept[others[largest(entries[others], most)]] = True
    rounded = sparse.csr_matrix((entries, block.indices, block.indptr), block.shape)
    return only(rounded, kept), diagonal, float(block.sum() - diagonal.sum())


def apart(start: int, block: sparse.csr_matrix) -> npt.NDArray[np.bool_]:
    """Returns which stored entries of a block's rows are off the diagonal."""
    rows = np.arange(start, start + block.shape[0], dtype=block.indices.dtype)
    off: npt.NDArray[np.bool_] = block.indices != np.repeat(rows, np.diff(block.indptr))
    return off


def only(matrix: sparse.csr_matrix, kept: npt.NDArray[np.bool_]) -> sparse.csr_matrix:
    """Returns a matrix with some of its stored entries."""
    pointers = np.append(0, np.cumsum(kept))[matrix.indptr]
    return sparse.csr_matrix((matrix.data[kept], matrix.indices[kept], pointers), matrix.shape)


def of_rows(rows: Iterable[Row], width: int) -> sparse.csr_matrix:
    """Builds a float32 matrix of this width from the columns and entries of each row."""
    indices, values, lengths = [], [], []
    for columns, entries in rows:
        indices.append(columns.astype(np.int32))
        values.append(entries.astype(np.float32))
        lengths.append(len(columns))
    pointers = np.concatenate(([0], np.cumsum(lengths)))
    return sparse.csr_matrix((np.concatenate(values), np.concatenate(indices), pointers), (len(lengths), width))


def largest(values: npt.NDArray[np.floating], count: int) -> Integers:
    """Returns the positions of the largest values, unordered."""
    if len(values) <= count:
        return np.arange(len(values))
    return np.argpartition(-values, count - 1)[:count] if count else np.arange(0)


def row_of(matrix: sparse.csr_matrix, number: int) -> Row:
    start, end = matrix.indptr[number : number + 2]
    return matrix.indices[start:end], matrix.data[start:end]


@dataclass(frozen=True)
class Systems:
    """Max(G, G'), because a pair may be kept in one of its rows only.

    A pair outside `dense` is only in the row of the item that has fewer pairs, as in algorithms that count triangles in
    graphs: the rows of popular items, which many neighborhoods have in common, would be the longest.
    """

    dense: Singles
    """Pairs of the items of the first ranks."""
    rows: sparse.csr_matrix
    """Rows of the other items, with columns of smaller ranks."""
    rank: npt.NDArray[np.int32]
    """Rank of each item by the number of its pairs, most first."""

    @classmethod
    def of(cls, strongest: sparse.csr_matrix) -> "Systems":
        items = strongest.shape[0]
        ranked = np.argsort(-np.bincount(strongest.indices, minlength=items), kind="stable")
        rank = np.empty(items, np.int32)
        rank[ranked] = np.arange(items)
        dense = strongest[ranked[:DENSE_RANKS]][:, ranked[:DENSE_RANKS]].toarray()
        transposed = strongest.T.tocsr() if items > DENSE_RANKS else strongest

        def lower(start: int) -> sparse.csr_matrix:
            part = slice(start, start + BLOCK_ITEMS)
            both = strongest[part].maximum(transposed[part])
            own = np.repeat(rank[part], np.diff(both.indptr))
            kept = (rank.take(both.indices) < own) & (own >= DENSE_RANKS)
            return only(both, kept)

        rows = sparse.vstack(list(in_threads(lower, range(0, items, BLOCK_ITEMS), THREADS)), "csr")
        return cls(np.maximum(dense, dense.T), rows, rank)

    def in_order(self, members: Integers) -> tuple[Integers, Integers]:
        """Returns items in the order of their ranks, and the positions that restore their own order."""
        order = np.argsort(self.rank[members])
        restored = np.empty_like(order)
        restored[order] = np.arange(len(order))
        return members[order], restored

    def lower(self, members: Integers, position: npt.NDArray[np.int32]) -> Singles:
        """Returns the rows and columns of some items in the order of their ranks; only the lower triangle is complete.

        Args:
            members: the items.
            position: scratch space of shape (items,), -1 everywhere, before and after the call.
        """
        size = len(members)
        ranks = self.rank[members]
        first = int(np.searchsorted(ranks, DENSE_RANKS))
        triangle = np.zeros((size, size), np.float32)
        triangle[:first, :first] = self.dense.take(ranks[:first, None] * len(self.dense) + ranks[:first])
        rows = members[first:]
        starts = self.rows.indptr[rows].astype(np.int64)
        lengths = self.rows.indptr[rows + 1] - starts
        entries = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        entries += np.arange(len(entries))
        position[members] = np.arange(size)
        columns = position.take(self.rows.indices.take(entries))
        inside = np.flatnonzero(columns >= 0)
        row = first + np.searchsorted(np.cumsum(lengths), inside, side="right")
        triangle[row, columns[inside]] = self.rows.data[entries[inside]]
        position[members] = -1
        return triangle
