"""Fits candidates on what an exam leaves for training and judges their answers to its questions."""

from collections.abc import Callable
from copy import copy
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
from scipy import sparse

from app.recommender.fit import gram, local_ridge, solver
from app.recommender.fit.evaluation import metrics
from app.recommender.fit.evaluation.holdouts import sampled
from app.recommender.fit.evaluation.metrics import Quality
from app.recommender.fit.evaluation.questions import Exam
from app.recommender.fit.local_ridge import LeastSquares
from app.recommender.fit.order import transitions
from app.recommender.fit.recent import NO_RECENCY, Recency
from app.recommender.fit.solver import Floats, Parameters, Regression, discounts, item_sums, normalized, scaled

DENSE, LOCAL = "dense", "local"
"""Solvers: regress every item on all others, or on its neighborhood."""
DENSE_ITEMS = 4_000
"""Largest catalog that is solved densely."""
TARGETS, USERS = 2_000, 10_000
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
    """One exam.

    Candidates are judged on a sample of a large catalog's items, drawn uniformly, and of users with their whole
    history; the weights of a sampled item come from all others.
    """

    def __init__(self, exam: Exam, neighbors: int, targets: int = TARGETS) -> None:
        """`neighbors` is the number of weights in each row, `targets` the size of the sample of items."""
        self._train = exam.questions.training
        self._matrix = self._train.matrix()
        items = len(self._train.item_ids)
        self.solvers = (LOCAL, DENSE) if items <= DENSE_ITEMS else (LOCAL,)
        self.samples_items = items > targets
        self._targets = np.sort(np.random.default_rng(SEED).permutation(items)[:targets])
        self._neighbors = max(2, round(neighbors * len(self._targets) / max(items, 1)))
        self._sums = item_sums(self._matrix)
        self._newest: dict[str, tuple[object, Any]] = {}
        self._ask(exam)

    def of(self, exam: Exam) -> "Trial":
        """Returns a trial that asks other questions of the models that learn from the same training part."""
        other = copy(self)
        other._ask(exam)  # noqa: SLF001 - a copy of this one
        return other

    def _ask(self, exam: Exam) -> None:
        self._questions = exam.questions
        self._seen = exam.questions.seen[:, self._targets].tocsr()
        self._test = _some_users(exam.held_out[:, self._targets].tocsr(), USERS)

    def quality(self, candidate: Candidate, name: str) -> Quality:
        """Returns the quality of a candidate with a solver."""
        history = self._questions.history(candidate.recency)
        model = self._model(candidate.parameters, name)
        factors = self._questions.factors(candidate.recency, self._targets)
        return metrics.judged(history, model, self._seen, self._test, K, factors).quality()

    def popularity(self) -> Quality:
        return metrics.popularity_quality(self._seen, self._test, K)

    def _model(self, parameters: Parameters, name: str) -> sparse.csr_matrix:
        """Returns the final weights towards the sampled items."""
        return self._once("model", (parameters, name), lambda: self._fit(parameters, name))

    def _once(self, kind: str, key: object, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - what `make` returns
        """Returns the newest result of a kind if its key was the same, which candidates in a row often share."""
        if kind not in self._newest or self._newest[kind][0] != key:
            self._newest[kind] = key, make()
        return self._newest[kind][1]

    def _fit(self, parameters: Parameters, name: str) -> sparse.csr_matrix:
        factors, share = discounts(self._sums, parameters.discount)[self._targets], parameters.order_share
        of_similarity, of_order = (
            (self._dense_similarity, self._dense_order) if name == DENSE else (self._similarity, self._order)
        )
        plain = replace(parameters.regression, order_ridge=0.0, recent_pairs=0.0)
        unscaled = replace(parameters.regression, ridge=0.0)
        parts = [self._once("similarity", (plain, name), lambda: of_similarity(plain))]
        if share:
            parts.append(self._once("order", (unscaled, name), lambda: of_order(unscaled)) / (1.0 + parameters.ridge))
        if name == DENSE:
            return solver.blended(parts, share, factors, self._neighbors).final
        final, _ = local_ridge.blended(parts, share, factors)
        return local_ridge.strongest(final, None, self._neighbors).final

    def _dense_similarity(self, regression: Regression) -> Floats:
        return solver.similarity_weights(*self._gram(regression), regression.ridge)[:, self._targets]

    def _dense_order(self, regression: Regression) -> Floats:
        gram_matrix, shrink = self._gram(regression)
        transitions = self._transitions(regression, shrink)
        return solver.order_weights(gram_matrix, shrink, regression, transitions)[:, self._targets]

    def _gram(self, regression: Regression) -> tuple[Floats, Floats]:
        """Returns the Gram matrix and di^-b."""

        def prepared() -> tuple[Floats, Floats]:
            normal, shrink = normalized(self._matrix, regression)
            return solver.gram_matrix(normal), shrink

        result: tuple[Floats, Floats] = self._once("gram", _exponents(regression), prepared)
        return result

    def _similarity(self, regression: Regression) -> sparse.csr_matrix:
        problem = self._problem(regression)
        return problem.columns(self._targets, [problem.similarity(regression)])[0]

    def _order(self, regression: Regression) -> sparse.csr_matrix:
        problem = self._problem(regression)
        block = gram.pruned(0, self._transitions(regression, problem.sinks))
        return problem.columns(self._targets, [problem.order(regression, [block])])[0]

    def _problem(self, regression: Regression) -> LeastSquares:
        def prepared() -> LeastSquares:
            normal, shrink = normalized(self._matrix, regression)
            return LeastSquares.of(gram.gram(normal), shrink)

        problem: LeastSquares = self._once("problem", _exponents(regression), prepared)
        return problem

    def _transitions(self, regression: Regression, shrink: Floats) -> sparse.csr_matrix:
        """Returns K, which is scaled to the item exponent only here."""

        def counted() -> sparse.csr_matrix:
            normal = scaled(self._matrix, np.ones(len(shrink)), regression)
            return transitions(self._train, normal, regression.recent_pairs)

        scale, key = sparse.diags(shrink), (regression.user_exponent, regression.recent_pairs)
        return (scale @ self._once("transitions", key, counted) @ scale).tocsr()


def _exponents(regression: Regression) -> tuple[float, float]:
    return regression.user_exponent, regression.item_exponent


def _some_users(held_out: sparse.csr_matrix, most: int) -> sparse.csr_matrix:
    """Keeps an even sample of the users with events held out, and empties the other rows."""
    keep = np.zeros(held_out.shape[0])
    keep[sampled(np.flatnonzero(np.diff(held_out.indptr)), most)] = 1.0
    sample = sparse.csr_matrix(sparse.diags(keep) @ held_out)
    sample.eliminate_zeros()
    return sample
