from itertools import combinations
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from app.recommender.fit.evaluation import beyond_accuracy, metrics
from app.recommender.fit.evaluation.metrics import Judged


def some(seed: int, users: int = 30, items: int = 12) -> tuple[sparse.csr_matrix, Judged]:
    random = np.random.default_rng(seed)
    seen = sparse.csr_matrix((random.random((users, items)) < 0.3) * random.random((users, items)))
    relevant = sparse.csr_matrix(random.random((users, items)) < 0.2, dtype=float)
    model = sparse.csr_matrix(random.normal(size=(items, items)))
    return seen, metrics.judged(seen, model, seen, relevant, 4)


class TestOfLists:
    @given(st.integers(0, 30))
    def test_metrics_equal_their_definitions(self, seed: int) -> None:
        seen, judged = some(seed)
        interacted = seen.toarray() > 0
        lists = [judged.top[n][judged.filled[n]].tolist() for n in range(len(judged.users))]
        popularity = interacted.sum(axis=0)
        surprise = [-log2(max(popularity[item], 1) / len(interacted)) for ranked in lists for item in ranked]
        touched = [[item for item in ranked if popularity[item]] for ranked in lists]

        def cosine(item: int, other_item: int) -> float:
            return float(
                (interacted[:, item] & interacted[:, other_item]).sum()
                / np.sqrt(popularity[item] * popularity[other_item])
            )

        distances = [
            np.mean([1 - cosine(*pair) for pair in combinations(ranked, 2)]) for ranked in touched if len(ranked) > 1
        ]

        actual = beyond_accuracy.of_lists(judged, seen)

        assert actual.novelty == pytest.approx(np.mean(surprise))
        assert actual.diversity == pytest.approx(np.mean(distances))

    def test_lists_as_popular_as_the_history_have_no_lift(self) -> None:
        seen = sparse.csr_matrix(np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]))
        model = sparse.csr_matrix(np.array([[0, 1.0, 0], [0, 0, 1.0], [1.0, 0, 0]]))
        judged = metrics.judged(seen, model, seen, sparse.csr_matrix(np.ones((3, 3))), 1)

        actual = beyond_accuracy.of_lists(judged, seen)

        assert (actual.popularity_lift, actual.diversity) == (0.0, 0.0)
        assert actual.novelty == pytest.approx(log2(3))


class TestInterval:
    def test_intervals_contain_the_mean_as_often_as_stated(self) -> None:
        random = np.random.default_rng(1)
        covered = 0
        for number in range(100):
            low, high = beyond_accuracy.interval(random.exponential(2.0, 80), seed=number)
            covered += low <= 2.0 <= high
        assert covered >= 88

    def test_the_interval_of_no_users_is_zero(self) -> None:
        assert beyond_accuracy.interval(np.zeros(0)) == (0.0, 0.0)


class TestSegments:
    @given(st.integers(0, 30))
    def test_every_user_and_every_relevant_item_is_in_one_segment(self, seed: int) -> None:
        seen, judged = some(seed)
        relevant = sparse.csr_matrix(np.random.default_rng(seed).random(seen.shape) < 0.2, dtype=float)

        users = beyond_accuracy.user_segments(judged, seen)
        items = beyond_accuracy.item_segments(relevant, seen)

        lengths = {name: np.diff(seen.indptr)[segment.users] for name, segment in users.items()}
        assert sorted(np.concatenate([segment.users for segment in users.values()])) == judged.users.tolist()
        assert max(lengths["new users"]) < min(lengths["other users"], default=99)
        assert (items["head items"] + items["tail items"] != relevant).nnz == 0
        popularity = (seen.toarray() > 0).sum(axis=0)
        is_head = beyond_accuracy.head(seen)
        assert popularity[is_head].min() >= popularity[~is_head].max()
