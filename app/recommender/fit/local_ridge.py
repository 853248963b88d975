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
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.linalg import lapack
from threadpoolctl import threadpool_limits

from app.recommender.fit.gram import (
    THREADS,
    Block,
    Gram,
    Integers,
    Row,
    Singles,
    Systems,
    gram,
    in_threads,
    largest,
    of_rows,
    only,
    pruned,
    row_of,
)
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
TARGETS_AT_ONCE, ROWS_AT_ONCE = 250, 20_000


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
        blocks = (pruned(*block) for block in transition_blocks(interactions, normal, parameters.recent_pairs))
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

    @cached_property
    def systems(self) -> Systems:
        return Systems.of(self.gram.strongest)

    def columns(
        self,
        targets: Integers,
        sides: Sequence[Side],
        report: Callable[[float], None] = lambda _: None,
        threads: int = THREADS,
    ) -> list[sparse.csr_matrix]:
        """Returns the weights towards some targets for each side, of shape (targets, items), at the same positions."""
        systems = self.systems  # before threads need them
        raised_sinks = raised(self.sinks)

        def solved(some: Integers) -> list[sparse.csr_matrix]:
            rows: list[list[Row]] = [[] for _ in sides]
            for target, members, weights in self._solve(systems, some, sides):
                scale = self.sinks[members] * raised_sinks[target]
                for own, column in zip(rows, weights, strict=True):
                    own.append((members, column * scale))
            return [of_rows(own, len(self.sinks)) for own in rows]

        starts = range(0, len(targets), TARGETS_AT_ONCE)
        parts = []
        with threadpool_limits(1, "blas"):  # one thread solves systems this small in half the time
            for part in in_threads(lambda start: solved(targets[start : start + TARGETS_AT_ONCE]), starts, threads):
                parts.append(part)
                report(len(parts) / len(starts))
        return [sparse.vstack(blocks, "csr") for blocks in zip(*parts, strict=True)]

    def _solve(
        self, systems: Systems, targets: Integers, sides: Sequence[Side]
    ) -> Iterator[tuple[int, Integers, list[Floats]]]:
        """Yields each target with its neighborhood and each side's weights in it, not yet scaled to final weights.

        A neighborhood that is too large keeps the items with the heaviest G[i, j] di^-b.
        """
        matrix = self.gram
        position = np.full(len(self.sinks), -1, np.int32)
        for target in targets.tolist():
            members, _ = row_of(self.around, target)
            if len(members) > MOST:
                co_occurrence = _at(matrix.strongest, target, members)
                members = members[np.sort(largest(co_occurrence * self.sinks[members], MOST))]
            members, order = systems.in_order(members)
            system = systems.lower(members, position)
            weights = []
            for side in sides:
                np.fill_diagonal(system, matrix.diagonal[members] + side.penalty)
                weights.append(_solved(system, _at(side.pairs, target, members))[order])
            yield target, members[order], weights


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


def _solved(system: Singles, side: Floats) -> Floats:
    """Returns the solution of a system, given by its lower triangle, for a right-hand side.

    NumPy, unlike SciPy, lets other threads run while it factors.
    """
    if not len(side):
        return side
    try:
        factor = np.linalg.cholesky(system)
    except np.linalg.LinAlgError:  # entries that were left out can make it indefinite: use scaled co-occurrence
        return side / system.diagonal()
    solution, _ = lapack.spotrs(factor.T, side)
    weights: Floats = solution.reshape(-1)
    return weights


def strongest(final: sparse.csr_matrix, order: sparse.csr_matrix | None, count: int) -> WeightRows:
    """Like `solver.strongest`, for a sparse matrix, with the part of order at the same positions."""
    starts = range(0, final.shape[0], ROWS_AT_ONCE)
    blocks = [_strongest(final[start : start + ROWS_AT_ONCE], count // 2) for start in starts]
    kept = sparse.vstack(blocks, "csr")
    if order is None:
        return WeightRows(kept)
    parts = [_at(order, row, kept.indices[kept.indptr[row] : kept.indptr[row + 1]]) for row in range(kept.shape[0])]
    part = np.concatenate(parts).astype(np.float32)
    return WeightRows(kept, sparse.csr_matrix((part, kept.indices, kept.indptr), kept.shape))


def _strongest(final: sparse.csr_matrix, half: int) -> sparse.csr_matrix:
    """Keeps the `half` largest positive and lowest negative entries of each row; of equals, the first largest ones."""
    lengths = np.diff(final.indptr)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    descending = np.lexsort((-final.data, rows))
    rank = np.arange(final.nnz) - final.indptr[rows]
    values = final.data[descending]
    kept = np.empty(final.nnz, bool)
    kept[descending] = (values > 0) & (rank < half) | (values < 0) & (lengths[rows] - rank <= half)
    return only(final, kept).astype(np.float32)
