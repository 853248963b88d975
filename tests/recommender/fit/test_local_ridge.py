import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from app.recommender.fit import gram, local_ridge, solver
from app.recommender.fit.learn import learn
from app.recommender.fit.local_ridge import LeastSquares, Side
from app.recommender.fit.parameter_search import fitted
from app.recommender.fit.solver import Parameters, Regression
from app.recommender.fit.trial import DENSE, LOCAL
from tests.support.builders import two_tastes
from tests.support.matrices import some_interactions, timed_interactions


class TestLocalWeights:
    @given(st.integers(0, 30), st.sampled_from([0.0, 0.25, 0.5]), st.floats(0.1, 20), st.sampled_from([0.0, 0.4, 1.0]))
    def test_a_neighborhood_of_all_items_gives_the_dense_solution(
        self, seed: int, exponent: float, ridge: float, share: float
    ) -> None:
        x = timed_interactions(seed)
        parameters = Parameters(exponent, exponent, ridge, share, 0.2)
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

    @given(st.integers(0, 30))
    def test_a_submatrix_of_sparse_rows_equals_one_of_a_dense_copy(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        matrix = sparse.random(40, 40, 0.3, "csr", np.float32, random_state=seed)
        members = np.sort(random.choice(40, 12, replace=False))
        position = np.full(40, -1, np.int64)

        cut = local_ridge._cut(matrix, members, position)  # noqa: SLF001

        assert np.array_equal(cut, matrix.toarray()[np.ix_(members, members)])
        assert (position == -1).all()

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


class TestLargest:
    @given(st.lists(st.floats(-5, 5), max_size=20), st.integers(0, 8))
    def test_no_value_left_out_is_larger_than_a_chosen_one(self, values: list[float], count: int) -> None:
        array = np.array(values)

        chosen = gram.largest(array, count).tolist()

        assert len(chosen) == len(set(chosen)) == min(count, len(values))
        omitted = [value for at, value in enumerate(values) if at not in chosen]
        assert all(value >= max(omitted, default=-9) for value in (values[at] for at in chosen))


class TestChoice:
    def test_the_local_solver_is_used_if_the_dense_one_does_not_fit_into_memory(self) -> None:
        events = two_tastes()

        roomy = learn(events, neighbors=10, memory_bytes=2**30, report=lambda *_: None)
        tight = learn(events, neighbors=10, memory_bytes=5_000, report=lambda *_: None)

        assert roomy.choice.solver in {DENSE, LOCAL}
        assert tight.choice.solver == tight.parameters["solver"] == LOCAL
        assert len(dict(tight.packed_rows())) == 12
