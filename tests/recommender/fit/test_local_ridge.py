import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from app.recommender.fit import local_ridge, parameter_search, solver
from app.recommender.fit.learn import learn
from app.recommender.fit.local_ridge import local_weights
from app.recommender.fit.solver import Parameters
from tests.support.builders import two_tastes
from tests.support.matrices import some_interactions


class TestLocalWeights:
    @given(st.integers(0, 30), st.sampled_from([0.0, 0.25, 0.5]), st.floats(0.1, 20))
    def test_a_neighborhood_of_all_items_gives_the_dense_solution(
        self, seed: int, exponent: float, ridge: float
    ) -> None:
        x = some_interactions(seed)
        parameters = Parameters(exponent, exponent, ridge)
        together = (x.T @ x).toarray() > 0

        weights = local_weights(x, parameters, 100).toarray()

        dense = solver.weight_matrix(x, parameters)
        complete = together.all(axis=0)  # targets that co-occur with every other item
        assert complete.any()
        assert weights[:, complete] == pytest.approx(dense[:, complete], rel=1e-3, abs=1e-5)

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
        normal, sinks = solver.normalized(x, Parameters(0.0, 0.0, 1.0))
        matrix = local_ridge.gram(normal)
        around = sparse.csr_matrix(np.random.default_rng(1).random((60, 60)) < 0.2, dtype=np.float32)
        around.setdiag(0)
        around.eliminate_zeros()
        dense = normal.toarray()

        for target, members, weights in local_ridge.solve(matrix, around, sinks, 2.5, np.arange(60)):
            regularized = dense[:, members].T @ dense[:, members] + 2.5 * np.eye(len(members))
            expected = np.linalg.solve(regularized, dense[:, members].T @ dense[:, target])
            assert weights == pytest.approx(expected, rel=1e-4, abs=1e-6)


class TestLargest:
    @given(st.lists(st.floats(-5, 5), max_size=20), st.integers(0, 8))
    def test_no_value_left_out_is_larger_than_a_chosen_one(self, values: list[float], count: int) -> None:
        array = np.array(values)

        chosen = local_ridge.largest(array, count).tolist()

        assert len(chosen) == len(set(chosen)) == min(count, len(values))
        omitted = [value for at, value in enumerate(values) if at not in chosen]
        assert all(value >= max(omitted, default=-9) for value in (values[at] for at in chosen))


class TestChoice:
    def test_the_local_solver_is_used_if_the_dense_one_does_not_fit_into_memory(self) -> None:
        events = two_tastes()

        roomy = learn(events, neighbors=10, memory_bytes=2**30, report=lambda *_: None)
        tight = learn(events, neighbors=10, memory_bytes=5_000, report=lambda *_: None)

        assert roomy.choice.solver in {parameter_search.DENSE, parameter_search.LOCAL}
        assert tight.choice.solver == tight.parameters["solver"] == parameter_search.LOCAL
        assert len(dict(tight.packed_rows())) == 12
