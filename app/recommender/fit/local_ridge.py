"""Ridge regression of every item on its own neighborhood, for catalogs whose Gram matrix does not fit into memory.

The least squares of `solver`, restricted to the items that can matter for a target j: those that have j among their
heaviest final neighbors by co-occurrence, and j's own strongest. For the neighborhood S of j,

    W[S, j] = (G[S, S] + lambda I)^-1 G[S, j]

for the weights of similarity, and K[S, j] in place of G[S, j] for those of order, with a lambda of its own.

Steck, WWW 2019 (EASE, which is S = all items); Ning and Karypis, ICDM 2011 (SLIM, which restricts S by a
feature selection). Targets are solved independently, so they can be spread over machines.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
    Regression,
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
    problem = LeastSquares.of(gram(normal), sinks)
    sides = [problem.similarity(parameters)]
    if parameters.order_share:
        blocks = (pruned(*block) for block in transition_blocks(interactions, normal))
        sides.append(problem.order(parameters, blocks))
    columns = problem.columns(np.arange(matrix.shape[1]), sides, report)
    factors = discounts(item_sums(matrix), parameters.discount)
    return strongest(*blended(columns, parameters.order_share, factors), neighbors)


def blended(
    columns: Sequence[sparse.csr_matrix], share: float, factors: Floats
) -> tuple[sparse.csr_matrix, sparse.csr_matrix | None]:
    """Returns F = ((1 - q) S + q T) * factors and the part of order, of shape (items, targets).

    Args:
        columns: S of shape (targets, items), and T, with entries at the same positions, unless q is 0.
        share: q.
        factors: the factor of each target.
    """
    similarity, *order = columns
    factor = np.repeat(factors, np.diff(similarity.indptr))
    if not order:
        return _transposed(similarity, similarity.data * factor), None
    part = order[0].data * factor * share
    final = similarity.data * factor * (1.0 - share) + part
    return _transposed(similarity, final), _transposed(similarity, part)


def _transposed(matrix: sparse.csr_matrix, values: Floats) -> sparse.csr_matrix:
    """Returns the transposed matrix with other values at the same positions, also where they are 0."""
    return sparse.csr_matrix((values, matrix.indices, matrix.indptr), matrix.shape).T.tocsr()


@dataclass(frozen=True)
class Side:
    """A right-hand side of the regressions."""

    pairs: sparse.csr_matrix
    """Targets x sources."""
    penalty: float
    """lambda."""


@dataclass(frozen=True)
class LeastSquares:
    """The shared inputs of the regressions, from which each target is solved independently."""

    gram: Gram
    around: sparse.csr_matrix
    """Targets x members, the result of `neighborhoods`."""
    sinks: Floats
    """di^-b of every item."""

    @classmethod
    def of(cls, gram: Gram, sinks: Floats) -> "LeastSquares":
        return cls(gram, neighborhoods(gram.strongest, raised(sinks)), sinks)

    def similarity(self, regression: Regression) -> Side:
        """Returns the side of similarity: the Gram matrix itself."""
        return Side(self.gram.strongest, regression.ridge * self.gram.ridge_unit)

    def order(self, regression: Regression, transitions: Iterable[Block]) -> Side:
        """Returns the side of order; `transitions` are the blocks of K, the results of `pruned`."""
        matrices, _, sums = zip(*transitions, strict=True)
        scale = regression.order_scale * self.gram.apart / max(sum(sums), SMALLEST)
        towards = (sparse.vstack(matrices, "csr") * scale).T.tocsr()
        return Side(towards, regression.order_ridge * self.gram.ridge_unit)

    def columns(
        self, targets: Integers, sides: Sequence[Side], report: Callable[[float], None] = lambda _: None
    ) -> list[sparse.csr_matrix]:
        """Returns the weights towards some targets for each side, of shape (targets, items), at the same positions."""
        raised_sinks = raised(self.sinks)
        rows: list[list[Row]] = [[] for _ in sides]
        with threadpool_limits(1, "blas"):  # one thread solves systems this small in half the time
            for number, (target, members, weights) in enumerate(self._solve(targets, sides)):
                if number % TARGETS_A_REPORT == 0:
                    report(number / len(targets))
                scale = self.sinks[members] * raised_sinks[target]
                for own, column in zip(rows, weights, strict=True):
                    own.append((members, (column * scale).astype(np.float32)))
        return [of_rows(own, len(self.sinks)) for own in rows]

    def _solve(self, targets: Integers, sides: Sequence[Side]) -> Iterator[tuple[int, Integers, list[Floats]]]:
        """Yields each target with its neighborhood and each side's weights in it, not yet scaled to final weights.

        A neighborhood that is too large keeps the items with the heaviest G[i, j] di^-b.
        """
        matrix, items = self.gram, len(self.sinks)
        dense = matrix.strongest.toarray() if items <= DENSE_ITEMS else None
        position = np.full(items, -1, np.int64)
        for target in targets.tolist():
            members, _ = row_of(self.around, target)
            if len(members) > MOST:
                co_occurrence = _at(matrix.strongest, target, members)
                members = members[np.sort(largest(co_occurrence * self.sinks[members], MOST))]
            cut = dense[np.ix_(members, members)] if dense is not None else _cut(matrix.strongest, members, position)
            system = np.maximum(cut, cut.T).astype(np.float64)
            weights = []
            for side in sides:
                np.fill_diagonal(system, matrix.diagonal[members] + side.penalty)
                weights.append(_solved(system, _at(side.pairs, target, members)))
            yield target, members, weights


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


def _solved(system: Floats, side: Floats) -> Floats:
    """Returns the solution of a system for a right-hand side."""
    if not len(side):
        return side
    _, solution, failed = lapack.dposv(system, side)
    if failed:  # entries that were left out can make the system indefinite: use scaled co-occurrence
        solution = side / system.diagonal()
    weights: Floats = solution.reshape(-1)
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
