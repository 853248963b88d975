from itertools import combinations
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from app.recommender.fit import beyond_accuracy, metrics
from app.recommender.fit.metrics import Judged


def some(seed: int, users: int = 30, items: int = 12) -> tuple[sparse.csr_matrix, Judged]:
    random = np.random.default_rng(seed)
    seen = sparse.csr_matrix((random.random((users, items)) < 0.3) * random.random((users, items)))
    right = sparse.csr_matrix(random.random((users, items)) < 0.2, dtype=float)
    model = sparse.csr_matrix(random.normal(size=(items, items)))
    return seen, metrics.judged(seen, model, seen, right, 4)


class TestOfLists:
    @given(st.integers(0, 30))
    def test_they_are_what_their_definitions_say(self, seed: int) -> None:
        seen, judged = some(seed)
        known = seen.toarray() > 0
        lists = [judged.top[n][judged.filled[n]].tolist() for n in range(len(judged.users))]
        popularity = known.sum(axis=0)
        surprise = [-log2(max(popularity[item], 1) / len(known)) for one in lists for item in one]
        touched = [[item for item in one if popularity[item]] for one in lists]

        def cosine(one: int, other: int) -> float:
            return float((known[:, one] & known[:, other]).sum() / np.sqrt(popularity[one] * popularity[other]))

        distances = [np.mean([1 - cosine(*pair) for pair in combinations(one, 2)]) for one in touched if len(one) > 1]

        found = beyond_accuracy.of_lists(judged, seen)

        assert found.novelty == pytest.approx(np.mean(surprise))
        assert found.diversity == pytest.approx(np.mean(distances))

    def test_lists_of_a_users_own_popularity_have_no_lift(self) -> None:
        seen = sparse.csr_matrix(np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]))
        model = sparse.csr_matrix(np.array([[0, 1.0, 0], [0, 0, 1.0], [1.0, 0, 0]]))
        judged = metrics.judged(seen, model, seen, sparse.csr_matrix(np.ones((3, 3))), 1)

        found = beyond_accuracy.of_lists(judged, seen)

        assert (found.popularity_lift, found.diversity) == (0.0, 0.0)
        assert found.novelty == pytest.approx(log2(3))


class TestInterval:
    def test_it_holds_the_mean_as_often_as_it_says(self) -> None:
        random = np.random.default_rng(1)
        held = 0
        for number in range(100):
            low, high = beyond_accuracy.interval(random.exponential(2.0, 80), seed=number)
            held += low <= 2.0 <= high
        assert held >= 88

    def test_nobody_has_none(self) -> None:
        assert beyond_accuracy.interval(np.zeros(0)) == (0.0, 0.0)


class TestSegments:
    @given(st.integers(0, 30))
    def test_every_user_and_every_right_item_is_in_one(self, seed: int) -> None:
        seen, judged = some(seed)
        right = sparse.csr_matrix(np.random.default_rng(seed).random(seen.shape) < 0.2, dtype=float)

        users = beyond_accuracy.user_segments(judged, seen)
        items = beyond_accuracy.item_segments(right, seen)

        lengths = {name: np.diff(seen.indptr)[one.users] for name, one in users.items()}
        assert sorted(np.concatenate([one.users for one in users.values()])) == judged.users.tolist()
        assert max(lengths["new users"]) < min(lengths["other users"], default=99)
        assert (items["head items"] + items["tail items"] != right).nnz == 0
        popularity = (seen.toarray() > 0).sum(axis=0)
        chosen = beyond_accuracy.head(seen)
        assert popularity[chosen].min() >= popularity[~chosen].max()
