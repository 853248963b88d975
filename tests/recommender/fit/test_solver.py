import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from app.recommender.fit import solver
from app.recommender.fit.solver import Floats, Regression, gram_matrix, normalized, similarity_weights
from tests.support.matrices import some_interactions


def similarity(x: sparse.csr_matrix, *parameters: float) -> Floats:
    normal, shrink = normalized(x, Regression(*parameters))
    return similarity_weights(gram_matrix(normal), shrink, parameters[2])


class TestWeightMatrix:
    @given(st.integers(0, 50), st.floats(0.1, 20))
    def test_each_column_solves_ridge_regression_without_the_item_itself(self, seed: int, ridge: float) -> None:
        x = some_interactions(seed)
        dense = x.toarray()
        penalty = ridge * (dense**2).sum(axis=0).mean()

        final = similarity(x, 0.0, 0.0, ridge)

        target = seed % dense.shape[1]
        others = np.delete(dense, target, axis=1)
        expected = np.linalg.solve(others.T @ others + penalty * np.eye(others.shape[1]), others.T @ dense[:, target])
        assert np.delete(final[:, target], target) == pytest.approx(expected)
        assert final[target, target] == 0.0

    def test_a_large_lambda_tends_to_normalized_co_occurrence(self) -> None:
        x = some_interactions()
        users, items = np.asarray(x.sum(axis=1)).ravel(), np.asarray(x.sum(axis=0)).ravel()
        normal = np.diag(users**-0.5) @ x.toarray() @ np.diag(items**-0.25)
        expected = np.diag(items**-0.25) @ (normal.T @ normal) @ np.diag(items**0.25)
        np.fill_diagonal(expected, 0.0)

        final = similarity(x, 0.5, 0.25, 1e6)

        assert final / final.max() == pytest.approx(expected / expected.max(), abs=1e-4)

    def test_items_without_events_have_no_weights(self) -> None:
        x = sparse.csr_matrix(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]))

        final = similarity(x, 0.25, 0.25, 1.0)

        assert not final[2].any()
        assert not final[:, 2].any()


class TestStrongest:
    def test_half_of_the_kept_weights_are_positive_and_half_negative(self) -> None:
        final = np.array([[0.0, 5.0, 4.0, 1.0, -1.0, -4.0, -5.0]] * 7)

        kept = solver.strongest(final, 4).toarray()

        assert kept[0].tolist() == [0.0, 5.0, 4.0, 0.0, 0.0, -4.0, -5.0]

    def test_a_small_catalog_keeps_all_weights(self) -> None:
        final = similarity(some_interactions(items=5), 0.0, 0.0, 1.0)

        assert solver.strongest(final, 100).toarray() == pytest.approx(final, abs=1e-6)
