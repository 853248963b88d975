import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from app.recommender.fit import gram
from app.recommender.fit.gram import Systems


class TestLower:
    @given(st.integers(0, 30))
    @pytest.mark.parametrize("dense_items", [0, 15, 100])
    def test_the_triangle_has_the_pairs_of_either_row(self, dense_items: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        matrix = sparse.random(40, 40, 0.3, "csr", np.float32, random_state=seed)
        chosen = np.sort(random.choice(40, 12, replace=False))
        position = np.full(40, -1, np.int32)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gram, "DENSE_RANKS", dense_items)
            built = Systems.of(matrix)
            members, order = built.in_order(chosen)

            triangle = built.lower(members, position)

        expected = np.maximum(matrix.toarray(), matrix.toarray().T)[np.ix_(members, members)]
        assert np.array_equal(np.tril(triangle, -1), np.tril(expected, -1))
        assert np.array_equal(members[order], chosen)
        assert (position == -1).all()


class TestLargest:
    @given(st.lists(st.floats(-5, 5), max_size=20), st.integers(0, 8))
    def test_no_value_left_out_is_larger_than_a_chosen_one(self, values: list[float], count: int) -> None:
        array = np.array(values)

        chosen = gram.largest(array, count).tolist()

        assert len(chosen) == len(set(chosen)) == min(count, len(values))
        omitted = [value for at, value in enumerate(values) if at not in chosen]
        assert all(value >= max(omitted, default=-9) for value in (values[at] for at in chosen))
