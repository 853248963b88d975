"""Matrix factorization of implicit: ALS (Hu, Koren and Volinsky, ICDM 2008) and BPR (Rendle et al., UAI 2009)."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from app.entry.offline.peers.peer import Parameters, Scores
from app.recommender.fit.evaluation.questions import Questions
from app.recommender.fit.interactions import Integers

SEED = 0
ROUNDS, ITERATIONS = 20, 20
"""Most rounds of BPR, and iterations of each."""


def als(questions: Questions, parameters: Parameters) -> Iterator[Scores]:
    """Learns factors of items; those of each question's user are solved from the history."""
    from implicit.als import AlternatingLeastSquares  # noqa: PLC0415 - only in the peers' environment

    with threadpool_limits(1, "blas"):  # implicit has threads of its own
        model = AlternatingLeastSquares(**parameters, iterations=15, random_state=SEED)
        model.fit(questions.training.matrix().astype(np.float32), show_progress=False)
    histories = questions.seen.astype(np.float32)

    def scores(rows: Integers) -> npt.NDArray[np.floating]:
        with threadpool_limits(1, "blas"):
            users = model.recalculate_user(np.arange(len(rows)), histories[rows])
        result: npt.NDArray[np.floating] = users @ model.item_factors.T
        return result

    yield scores


def bpr(questions: Questions, parameters: Parameters) -> Iterator[Scores]:
    """Yields after every 20 iterations; a user without training gets no list, for BPR has no factors for them."""
    from implicit.bpr import BayesianPersonalizedRanking  # noqa: PLC0415 - only in the peers' environment

    matrix = questions.training.matrix().astype(np.float32)
    unknown = np.diff(matrix.indptr) == 0
    model = BayesianPersonalizedRanking(**parameters, iterations=ITERATIONS, random_state=SEED)
    for _ in range(ROUNDS):
        model.fit(matrix, show_progress=False)
        users, items = model.user_factors.copy(), model.item_factors.copy()

        def scores(
            rows: Integers, users: npt.NDArray[np.float32] = users, items: npt.NDArray[np.float32] = items
        ) -> npt.NDArray[np.floating]:
            numbers = questions.users[rows]
            result: npt.NDArray[np.floating] = users[numbers] @ items.T
            result[unknown[numbers]] = -np.inf
            return result

        yield scores
