"""Ridge regression of every item on its own neighborhood, for catalogs whose Gram matrix does not fit into memory.

The least squares of `solver`, restricted to the items that can matter for a target j: those that have j among their
heaviest final neighbors by co-occurrence, and j's own strongest. For the neighborhood S of j,

    W[S, j] = (G[S, S] + lambda I)^-1 G[S, j]

for the weights of similarity, and K[S, j] in place of G[S, j] for those of order.

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

from app.recommender.fit.gram import Block, Gram, Integers, Row, gram, largest, of_rows, pruned, row_of
from app.recommender.fit.interactions import Interactions
from app.recommender.fit.order import transition_blocks
from app.recommender.fit.solver import (
    SMALLEST,
    Floats,
    Parameters,
    WeightRows,
    discounts,
    item_sums,
    normalized,
)

PER_SOURCE = 50
"""Number of neighborhoods that each source joins, at least."""
OWN = 50
"""Number of a target's own strongest items in its neighborhood."""
MOST = 1_500
"""Most items in a neighborhood."""
TARGETS_A_REPORT = 2_000
DENSE_ITEMS = 8_000
"""Up to this many items, submatrices are cut from a dense copy of the Gram matrix (256 MB), which is faster."""


def local_weights(
    interactions: Interactions,
    parameters: Parameters,
    neighbors: int,
    report: Callable[[float], None] = lambda _: None,
) -> WeightRows:
    """Returns the final weights of shape (items, items).

    Each row keeps `neighbors` weights: half are the largest, half the lowest.
    """
    matrix = interactions.matrix()
    normal, sinks = normalized(matrix, parameters)
    with_order = parameters.order_share > 0
    transitions = (pruned(*block) for block in transition_blocks(interactions, normal)) if with_order else None
    problem = LeastSquares.of(gram(normal), sinks, parameters.ridge, transitions)
    similarity, order = problem.columns(np.arange(matrix.shape[1]), report)
    factors = discounts(item_sums(matrix), parameters.discount)
    return strongest(*blended(similarity, order, parameters.order_share, factors), neighbors)


def blended(
    similarity: sparse.csr_matrix, order: sparse.csr_matrix | None, share: float, factors: Floats
) -> tuple[sparse.csr_matrix, sparse.csr_matrix | None]:
    """Returns F = ((1 - q) S + q T) * factors and the part of order, of shape (items, targets).

    Args:
        similarity: S of shape (targets, items).
        order: T, with entries at the same positions, or None.
        share: q.
        factors: the factor of each target.
    """
    factor = np.repeat(factors, np.diff(similarity.indptr))
    if order is None:
        return _transposed(similarity, similarity.data * factor), None
    part = order.data * factor * share
    final = similarity.data * factor * (1.0 - share) + part
    return _transposed(similarity, final), _transposed(similarity, part)


def _transposed(matrix: sparse.csr_matrix, values: Floats) -> sparse.csr_matrix:
    """Returns the transposed matrix with other values at the same positions, also where they are 0."""
    return sparse.csr_matrix((values, matrix.indices, matrix.indptr), matrix.shape).T.tocsr()


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
    towards: sparse.csr_matrix | None = None
    """Targets x sources, K' scaled to the sum of the Gram matrix off its diagonal. None without weights of order."""

    @classmethod
    def of(cls, gram: Gram, sinks: Floats, ridge: float, transitions: Iterable[Block] | None = None) -> "LeastSquares":
        """Prepares the regressions; `transitions` are the blocks of K, the results of `pruned`."""
        around = neighborhoods(gram.strongest, raised(sinks))
        towards = None
        if transitions is not None:
            matrices, _, sums = zip(*transitions, strict=True)
            towards = (sparse.vstack(matrices, "csr") * (gram.apart / max(sum(sums), SMALLEST))).T.tocsr()
        return cls(gram, around, sinks, ridge * gram.ridge_unit, towards)

    def columns(
        self, targets: Integers, report: Callable[[float], None] = lambda _: None
    ) -> tuple[sparse.csr_matrix, sparse.csr_matrix | None]:
        """Returns the weights of similarity and of order towards some targets, each of shape (targets, items)."""
        raised_sinks = raised(self.sinks)
        orders: list[Row] = []

        def solved() -> Iterator[Row]:
            for number, (target, members, weights) in enumerate(self._solve(targets)):
                if number % TARGETS_A_REPORT == 0:
                    report(number / len(targets))
                final = weights * (self.sinks[members] * raised_sinks[target])[:, None]
                if self.towards is not None:
                    orders.append((members, final[:, 1]))
                yield members, final[:, 0]

        with threadpool_limits(1, "blas"):  # one thread solves systems this small in half the time
            similarity = of_rows(solved(), len(self.sinks))
        return similarity, None if self.towards is None else of_rows(orders, len(self.sinks))

    def _solve(self, targets: Integers) -> Iterator[tuple[int, Integers, Floats]]:
        """Yields each target with its neighborhood and the weights in it, not yet scaled to final weights.

        The weights have the shape (members, 1), or (members, 2) with those of order. A neighborhood that is too large
        keeps the items with the heaviest G[i, j] di^-b.
        """
        matrix, items = self.gram, len(self.sinks)
        dense = matrix.strongest.toarray() if items <= DENSE_ITEMS else None
        position = np.full(items, -1, np.int64)
        for target in targets.tolist():
            members, _ = row_of(self.around, target)
            co_occurrence = _at(matrix.strongest, target, members)
            if len(members) > MOST:
                chosen = np.sort(largest(co_occurrence * self.sinks[members], MOST))
                members, co_occurrence = members[chosen], co_occurrence[chosen]
            sides = [co_occurrence]
            if self.towards is not None:
                sides.append(_at(self.towards, target, members))
            cut = dense[np.ix_(members, members)] if dense is not None else _cut(matrix.strongest, members, position)
            system = np.maximum(cut, cut.T).astype(np.float64)
            np.fill_diagonal(system, matrix.diagonal[members] + self.penalty)
            yield target, members, _solved(system, np.column_stack(sides))


def raised(sinks: Floats) -> Floats:
    """Returns dj^b from dj^-b; 0 if dj^-b is 0."""
    return np.divide(1.0, sinks, out=np.zeros_like(sinks), where=sinks > 0)


def neighborhoods(matrix: sparse.csr_matrix, raised: Floats) -> sparse.csr_matrix:
    """Returns targets x members: sources with the target among their heaviest final neighbors, and its strongest items.

    Args:
        matrix: the strongest entries of the Gram matrix.
        raised: dj^b of every item.
    """
    members: list[Integers] = []
    targets: list[Integers] = []
    for item in range(matrix.shape[0]):
        columns, entries = row_of(matrix, item)
        heaviest = columns[largest(entries * raised[columns], PER_SOURCE)]
        own = columns[largest(entries, OWN)]
        members += [np.full_like(heaviest, item), own]
        targets += [heaviest, np.full_like(own, item)]
    rows, columns = np.concatenate(targets), np.concatenate(members)
    around = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), matrix.shape)
    around.sum_duplicates()
    return around


def _at(matrix: sparse.csr_matrix, row: int, columns: Integers) -> Floats:
    """Returns the entries of a row at some columns; the row's own columns are sorted."""
    indices, values = row_of(matrix, row)
    entries = np.zeros(len(columns))
    places = np.searchsorted(indices, columns)
    stored = places < len(indices)
    stored[stored] = indices[places[stored]] == columns[stored]
    entries[stored] = values[places[stored]]
    return entries


def _solved(system: Floats, sides: Floats) -> Floats:
    """Returns the solutions for the right-hand sides, which are columns."""
    if not len(sides):
        return sides
    _, solutions, failed = lapack.dposv(system, sides)
    if failed:  # entries that were left out can make the system indefinite: use scaled co-occurrence
        solutions = sides / system.diagonal()[:, None]
    weights: Floats = solutions
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


def strongest(final: sparse.csr_matrix, order: sparse.csr_matrix | None, count: int) -> WeightRows:
    """Like `solver.strongest`, for a sparse matrix, with the part of order at the same positions."""
    half = count // 2
    parts: list[npt.NDArray[np.floating]] = []

    def rows() -> Iterator[Row]:
        for item in range(final.shape[0]):
            columns, entries = row_of(final, item)
            heaviest, lowest = largest(entries, half), largest(-entries, half)
            chosen = np.concatenate((heaviest[entries[heaviest] > 0], lowest[entries[lowest] < 0]))
            if order is not None:
                parts.append(_at(order, item, columns[chosen]))
            yield columns[chosen], entries[chosen]

    kept = of_rows(rows(), final.shape[1])
    if order is None:
        return WeightRows(kept)
    part = np.concatenate(parts).astype(np.float32)
    return WeightRows(kept, sparse.csr_matrix((part, kept.indices, kept.indptr), kept.shape))
