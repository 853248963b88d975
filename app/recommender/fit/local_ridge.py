"""Ridge regression of every item on its own neighborhood, for catalogs whose Gram matrix does not fit into memory.

The least squares of `solver`, restricted to the items that can matter for a target j: those that have j among their
heaviest final neighbors by co-occurrence, and j's own strongest. For the neighborhood S of j,

    W[S, j] = (G[S, S] + lambda I)^-1 G[S, j]

Steck, WWW 2019 (EASE, which is S = all items); Ning and Karypis, ICDM 2011 (SLIM, which restricts S by a
feature selection). Targets are solved independently, so they can be spread over machines.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import lapack
from threadpoolctl import threadpool_limits

from app.recommender.fit.solver import Floats, Parameters, normalized

Integers = npt.NDArray[np.int64]
Row = tuple[Integers, npt.NDArray[np.floating]]
"""Columns and their entries."""

BLOCK_ITEMS = 2_000
GRAM_ENTRIES, LEAST_KEPT = 60_000_000, 300
"""Number of entries of the Gram matrix to keep, the strongest (8 bytes each), and the least number per row.

The others count as 0, which ruins the solution if they are many: with 300 of the 1,966 entries in a row of Online
Retail, NDCG@20 is .12 instead of .31.
"""
PER_SOURCE = 50
"""Number of neighborhoods that each source joins, at least."""
OWN = 50
"""Number of a target's own strongest items in its neighborhood."""
MOST = 1_500
"""Most items in a neighborhood."""
TARGETS_A_REPORT = 2_000
DENSE_ITEMS = 8_000
"""Up to this many items, submatrices are cut from a dense copy of the Gram matrix (256 MB), which is faster."""


@dataclass(frozen=True)
class Gram:
    """G = Xn' Xn: the strongest entries of each row off the diagonal, and the diagonal."""

    strongest: sparse.csr_matrix
    diagonal: Floats

    @classmethod
    def of(cls, blocks: Iterable[tuple[sparse.csr_matrix, Floats]]) -> "Gram":
        """Joins blocks of rows, in order."""
        matrices, diagonals = zip(*blocks, strict=True)
        return cls(sparse.vstack(matrices, "csr"), np.concatenate(diagonals))

    @property
    def ridge_unit(self) -> float:
        """The unit of lambda: the mean of the diagonal."""
        return max(float(self.diagonal.mean()), float(np.finfo(np.float64).tiny))


def local_weights(
    interactions: sparse.csr_matrix,
    parameters: Parameters,
    neighbors: int,
    report: Callable[[float], None] = lambda _: None,
) -> sparse.csr_matrix:
    """Returns the final weights F[i, j] = di^-b * W[i, j] * dj^b of shape (items, items).

    Each row keeps `neighbors` weights: half are the largest, half the lowest.
    """
    normal, sinks = normalized(interactions, parameters)
    problem = LeastSquares.of(gram(normal), sinks, parameters.ridge)
    final = problem.columns(np.arange(len(sinks)), report)
    return strongest(final.T.tocsr(), neighbors)


@dataclass(frozen=True)
class LeastSquares:
    """The shared inputs of the regressions, from which each target is solved independently."""

    gram: Gram
    around: sparse.csr_matrix
    """Targets x members, the result of `neighborhoods`."""
    sinks: Floats
    """di^-b of every item."""
    penalty: float
    """lambda."""

    @classmethod
    def of(cls, gram: Gram, sinks: Floats, ridge: float) -> "LeastSquares":
        return cls(gram, neighborhoods(gram.strongest, raised(sinks)), sinks, ridge * gram.ridge_unit)

    def columns(self, targets: Integers, report: Callable[[float], None] = lambda _: None) -> sparse.csr_matrix:
        """Returns the final weights towards some targets, of shape (targets, items)."""
        towards = raised(self.sinks)

        def solved() -> Iterator[Row]:
            each = solve(self.gram, self.around, self.sinks, self.penalty, targets)
            for number, (target, members, weights) in enumerate(each):
                if number % TARGETS_A_REPORT == 0:
                    report(number / len(targets))
                yield members, weights * self.sinks[members] * towards[target]

        with threadpool_limits(1, "blas"):  # one thread solves systems this small in half the time
            return of_rows(solved(), len(self.sinks))


def raised(sinks: Floats) -> Floats:
    """Returns dj^b from dj^-b; 0 if dj^-b is 0."""
    return np.divide(1.0, sinks, out=np.zeros_like(sinks), where=sinks > 0)


def gram(normal: sparse.csr_matrix) -> Gram:
    """Computes the Gram matrix in blocks of rows; only the strongest entries of each stay in memory."""
    return Gram.of(pruned(start, block) for start, block in gram_blocks(normal))


def gram_blocks(normal: sparse.csr_matrix) -> Iterator[tuple[int, sparse.csr_matrix]]:
    """Yields Xn' Xn in blocks of rows, each with the number of its first row."""
    transposed = normal.T.tocsr()
    for start in range(0, normal.shape[1], BLOCK_ITEMS):
        yield start, (transposed[start : start + BLOCK_ITEMS] @ normal).tocsr()


def pruned(start: int, block: sparse.csr_matrix) -> tuple[sparse.csr_matrix, Floats]:
    """Returns the strongest entries of a block's rows off the diagonal, and the diagonal.

    Sums of doubles are rounded before entries are chosen, so that the order of summation does not matter.
    """
    height, items = block.shape
    kept = max(GRAM_ENTRIES // items, LEAST_KEPT)
    diagonal = np.zeros(height)
    block.sort_indices()

    def rows() -> Iterator[Row]:
        for number in range(height):
            columns, entries = _row(block, number)
            own = columns == start + number
            diagonal[number] = entries[own].sum()
            columns, entries = columns[~own], entries[~own].astype(np.float32)
            chosen = np.sort(largest(entries, kept))
            yield columns[chosen], entries[chosen]

    return of_rows(rows(), items), diagonal


def neighborhoods(matrix: sparse.csr_matrix, raised: Floats) -> sparse.csr_matrix:
    """Returns targets x members: sources with the target among their heaviest final neighbors, and its strongest items.

    Args:
        matrix: the strongest entries of the Gram matrix.
        raised: dj^b of every item.
    """
    members: list[Integers] = []
    targets: list[Integers] = []
    for item in range(matrix.shape[0]):
        columns, entries = _row(matrix, item)
        heaviest = columns[largest(entries * raised[columns], PER_SOURCE)]
        own = columns[largest(entries, OWN)]
        members += [np.full_like(heaviest, item), own]
        targets += [heaviest, np.full_like(own, item)]
    rows, columns = np.concatenate(targets), np.concatenate(members)
    around = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), matrix.shape)
    around.sum_duplicates()
    return around


def solve(
    matrix: Gram, around: sparse.csr_matrix, sinks: Floats, penalty: float, targets: Integers
) -> Iterator[tuple[int, Integers, Floats]]:
    """Yields each target with its neighborhood and the weights W in it, not yet scaled to final weights.

    Args:
        matrix: the Gram matrix.
        around: result of `neighborhoods`.
        sinks: di^-b of every item; a neighborhood that is too large keeps the items with the heaviest G[i, j] di^-b.
        penalty: lambda.
        targets: the items to solve for.
    """
    items = len(sinks)
    dense = matrix.strongest.toarray() if items <= DENSE_ITEMS else None
    position = np.full(items, -1, np.int64)
    towards = np.zeros(items, np.float32)
    for target in targets.tolist():
        members, _ = _row(around, target)
        columns, entries = _row(matrix.strongest, target)
        towards[columns] = entries
        if len(members) > MOST:
            members = np.sort(members[largest(towards[members] * sinks[members], MOST)])
        co_occurrence = towards[members].astype(np.float64)
        towards[columns] = 0.0
        cut = dense[np.ix_(members, members)] if dense is not None else _cut(matrix.strongest, members, position)
        system = np.maximum(cut, cut.T).astype(np.float64)
        np.fill_diagonal(system, matrix.diagonal[members] + penalty)
        yield target, members, _solved(system, co_occurrence)


def _solved(system: Floats, co_occurrence: Floats) -> Floats:
    if not len(co_occurrence):
        return co_occurrence
    _, solution, failed = lapack.dposv(system, co_occurrence)
    if failed:  # entries that were left out can make the system indefinite: use scaled co-occurrence
        solution = co_occurrence / system.diagonal()
    weights: Floats = solution
    return weights


def _cut(matrix: sparse.csr_matrix, members: Integers, position: Integers) -> npt.NDArray[np.float32]:
    """Returns the rows and columns of some items, dense. `position` is -1 everywhere, before and after the call."""
    size = len(members)
    position[members] = np.arange(size)
    starts = matrix.indptr[members].astype(np.int64)
    lengths = matrix.indptr[members + 1] - starts
    entries = np.arange(lengths.sum()) + np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    columns = position[matrix.indices[entries]]
    inside = columns >= 0
    cut = np.zeros((size, size), np.float32)
    cut[np.repeat(np.arange(size), lengths)[inside], columns[inside]] = matrix.data[entries[inside]]
    position[members] = -1
    return cut


def strongest(final: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """Like `solver.strongest`, for a sparse matrix."""
    half = count // 2

    def rows() -> Iterator[Row]:
        for item in range(final.shape[0]):
            columns, entries = _row(final, item)
            heaviest, lowest = largest(entries, half), largest(-entries, half)
            chosen = np.concatenate((heaviest[entries[heaviest] > 0], lowest[entries[lowest] < 0]))
            yield columns[chosen], entries[chosen]

    return of_rows(rows(), final.shape[1])


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


def _row(matrix: sparse.csr_matrix, number: int) -> Row:
    start, end = matrix.indptr[number : number + 2]
    return matrix.indices[start:end], matrix.data[start:end]
