import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from app.recommender.fit import gram, local_ridge, solver
from app.recommender.fit.evaluation.trial import DENSE, LOCAL
from app.recommender.fit.learn import learn
from app.recommender.fit.local_ridge import LeastSquares, Side
from app.recommender.fit.parameter_search import fitted
from app.recommender.fit.solver import Parameters, Regression
from tests.support.builders import two_tastes
from tests.support.matrices import some_interactions, timed_interactions


class TestLocalWeights:
    @given(st.integers(0, 30), st.sampled_from([0.0, 0.25, 0.5]), st.floats(0.1, 20), st.sampled_from([0.0, 0.4, 1.0]))
    def test_a_neighborhood_of_all_items_gives_the_dense_solution(
        self, seed: int, exponent: float, ridge: float, share: float
    ) -> None:
        x = timed_interactions(seed)
        parameters = Parameters(exponent, exponent, ridge, order_share=share, discount=0.2)
        together = (x.matrix().T @ x.matrix()).toarray() > 0

        local, dense = (fitted(x, parameters, name, 100) for name in (LOCAL, DENSE))

        complete = together.all(axis=0)  # targets that co-occur with every other item
        assert complete.any()
        for part, expected in ((local.final, dense.final), (local.order, dense.order)):
            if share or part is local.final:
                assert part is not None
                assert expected is not None
                columns = expected.toarray()[:, complete]
                assert part.toarray()[:, complete] == pytest.approx(columns, rel=1e-3, abs=1e-5)

    def test_each_target_is_ridge_regression_on_its_neighborhood(self) -> None:
        x = some_interactions(3, users=200, items=60)
        normal, sinks = solver.normalized(x, Regression(0.0, 0.0, 1.0))
        around = sparse.csr_matrix(np.random.default_rng(1).random((60, 60)) < 0.2, dtype=np.float32)
        around.setdiag(0)
        around.eliminate_zeros()
        dense = normal.toarray()

        problem = LeastSquares(gram.gram(normal), around, sinks)
        (columns,) = problem.columns(np.arange(60), [Side(problem.gram.strongest, 2.5)])

        for target in range(60):
            members = around[target].indices
            regularized = dense[:, members].T @ dense[:, members] + 2.5 * np.eye(len(members))
            expected = np.linalg.solve(regularized, dense[:, members].T @ dense[:, target])
            assert columns[target].toarray()[0, members] == pytest.approx(expected, rel=1e-4, abs=1e-6)


class TestStrongest:
    @given(st.integers(0, 50), st.integers(1, 6))
    def test_each_row_keeps_its_largest_and_lowest_weights(self, seed: int, half: int) -> None:
        values = np.random.default_rng(seed).integers(-4, 5, (12, 15)) / 4  # with ties and zeros

        kept = local_ridge.strongest(sparse.csr_matrix(values), None, 2 * half).final.toarray()

        assert ((kept == 0) | (kept == values)).all()
        for row, expected in zip(kept, np.sort(values, axis=1), strict=True):
            positive, negative = expected[expected > 0], expected[expected < 0]
            assert sorted(row[row > 0]) == positive[-half:].tolist()
            assert sorted(row[row < 0]) == negative[:half].tolist()


class TestChoice:
    def test_the_local_solver_is_used_if_the_dense_one_does_not_fit_into_memory(self) -> None:
        events = two_tastes()

        roomy = learn(events, neighbors=10, memory_bytes=2**30, report=lambda *_: None)
        tight = learn(events, neighbors=10, memory_bytes=5_000, report=lambda *_: None)

        assert roomy.choice.solver in {DENSE, LOCAL}
        assert tight.choice.solver == tight.parameters["solver"] == LOCAL
        assert len(dict(tight.packed_rows())) == 12
