"""Fits candidates on one part of the interactions and judges them on the part held out."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.recommender.fit import gram, local_ridge, metrics, solver
from app.recommender.fit.holdouts import user_times
from app.recommender.fit.interactions import Interactions
from app.recommender.fit.local_ridge import LeastSquares
from app.recommender.fit.metrics import Quality
from app.recommender.fit.order import transitions
from app.recommender.fit.recent import NO_RECENCY, Recency, RecentCounts
from app.recommender.fit.solver import Floats, Parameters, Regression, discounts, item_sums, normalized, scaled

DENSE, LOCAL = "dense", "local"
"""Solvers: regress every item on all others, or on its neighborhood."""
DENSE_ITEMS = 4_000
"""Largest catalog that is solved densely."""
TARGETS, USERS = 2_000, 2_000
"""Items and users of the sample that candidates are judged on."""
JUDGED = 10_000
"""Items of the sample for the metrics of the chosen one."""
K = 20
SEED = 7


@dataclass(frozen=True)
class Candidate:
    """Parameters of learning and of serving to judge together."""

    parameters: Parameters
    recency: Recency = NO_RECENCY

    def changed(self, **changes: Any) -> "Candidate":  # noqa: ANN401 - each field has its own type
        """Returns a candidate with some fields of either part replaced."""
        names = {field.name for field in fields(Parameters)}
        learning = {name: value for name, value in changes.items() if name in names}
        serving = {name: value for name, value in changes.items() if name not in names}
        return Candidate(replace(self.parameters, **learning), replace(self.recency, **serving))

    def named(self) -> dict[str, float | None]:
        """Returns all fields by name."""
        return {**asdict(self.parameters), **asdict(self.recency)}


class Trial:
    """One split of the interactions.

    Candidates are judged on a sample of a large catalog's items, drawn uniformly, and of users with their whole
    history; the weights of a sampled item come from all others.
    """

    def __init__(
        self, interactions: Interactions, held: npt.NDArray[np.bool_], neighbors: int, targets: int = TARGETS
    ) -> None:
        self._train = interactions.taken(~held)
        self._matrix = self._train.matrix()
        items = len(interactions.item_ids)
        self.solvers = (LOCAL, DENSE) if items <= DENSE_ITEMS else (LOCAL,)
        self._targets = np.sort(np.random.default_rng(SEED).permutation(items)[:targets])
        self._neighbors = max(2, round(neighbors * len(self._targets) / max(items, 1)))
        self._seen = self._matrix[:, self._targets].tocsr()
        self._test = _some_users(interactions.matrix(held)[:, self._targets].tocsr(), USERS)
        self._times = user_times(interactions.taken(held), np.minimum, np.inf)
        self._recent = RecentCounts.of(self._train)
        self._sums = item_sums(self._matrix)
        self._parts: tuple[tuple[Regression, str, bool], Any] | None = None
        self._fitted: tuple[tuple[Parameters, str], sparse.csr_matrix] | None = None
        self._order: dict[float, sparse.csr_matrix] = {}

    def quality(self, candidate: Candidate, name: str) -> Quality:
        """Returns the quality of a candidate with a solver."""
        recency = candidate.recency
        history = self._train.aged(recency.half_life_days, recency.step_decay)
        model = self._model(candidate.parameters, name)
        factors = self._recent.factors(self._times, recency, self._targets)
        return metrics.judged(history, model, self._seen, self._test, K, factors).quality()

    def popularity(self) -> Quality:
        return metrics.popularity_quality(self._seen, self._test, K)

    def _model(self, parameters: Parameters, name: str) -> sparse.csr_matrix:
        """Returns the final weights towards the sampled items."""
        if self._fitted is None or self._fitted[0] != (parameters, name):
            self._fitted = (parameters, name), self._fit(parameters, name)
        return self._fitted[1]

    def _fit(self, parameters: Parameters, name: str) -> sparse.csr_matrix:
        with_order = parameters.order_share > 0
        key = parameters.regression, name, with_order
        if self._parts is None or self._parts[0] != key:
            self._parts = key, (self._dense if name == DENSE else self._local)(parameters.regression, with_order)
        similarity, order = self._parts[1]
        factors, share = discounts(self._sums, parameters.discount)[self._targets], parameters.order_share
        if name == DENSE:
            return solver.blended(similarity, order, share, factors, self._neighbors).final
        final, _ = local_ridge.blended(similarity, order, share, factors)
        return local_ridge.strongest(final, None, self._neighbors).final

    def _dense(self, regression: Regression, with_order: bool) -> tuple[Floats, Floats | None]:  # noqa: FBT001
        normal, shrink = normalized(self._matrix, regression)
        order = self._transitions(regression, shrink) if with_order else None
        parts = solver.weight_matrix(normal, shrink, regression.ridge, order)
        return parts[0][:, self._targets], None if parts[1] is None else parts[1][:, self._targets]

    def _local(
        self,
        regression: Regression,
        with_order: bool,  # noqa: FBT001
    ) -> tuple[sparse.csr_matrix, sparse.csr_matrix | None]:
        normal, shrink = normalized(self._matrix, regression)
        blocks = [gram.pruned(0, self._transitions(regression, shrink))] if with_order else None
        problem = LeastSquares.of(gram.gram(normal), shrink, regression.ridge, blocks)
        return problem.columns(self._targets)

    def _transitions(self, regression: Regression, shrink: Floats) -> sparse.csr_matrix:
        """Returns K; it is counted once for each user exponent, and scaled to the item exponent."""
        if regression.user_exponent not in self._order:
            normal = scaled(self._matrix, np.ones(len(shrink)), regression)
            self._order = {regression.user_exponent: transitions(self._train, normal)}
        scale = sparse.diags(shrink)
        return (scale @ self._order[regression.user_exponent] @ scale).tocsr()


def _some_users(held_out: sparse.csr_matrix, most: int) -> sparse.csr_matrix:
    """Keeps an even sample of the users with events held out, and empties the other rows."""
    users = np.flatnonzero(np.diff(held_out.indptr))
    if len(users) <= most:
        return held_out
    keep = np.zeros(held_out.shape[0])
    keep[users[np.linspace(0, len(users) - 1, most).astype(int)]] = 1.0
    sample = sparse.csr_matrix(sparse.diags(keep) @ held_out)
    sample.eliminate_zeros()
    return sample
