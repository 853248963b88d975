from math import log2

import numpy as np
import pytest
from scipy import sparse

from app.recommender.fit import metrics

ONE_USER = sparse.csr_matrix([[1.0]])


def judged(scores: list[float], right: list[int], seen: list[int], k: int) -> metrics.Quality:
    def row(positions: list[int]) -> sparse.csr_matrix:
        return sparse.csr_matrix(np.isin(np.arange(len(scores)), positions).astype(float)[None, :])

    return metrics.quality(ONE_USER, sparse.csr_matrix([scores]), row(seen), row(right), k)


class TestQuality:
    def test_a_perfect_list_scores_one(self) -> None:
        quality = judged([9.0, 8.0, 1.0, 1.0], right=[0, 1], seen=[], k=2)

        assert (quality.recall, quality.ndcg, quality.hit_rate, quality.mrr) == (1.0, 1.0, 1.0, 1.0)

    def test_a_hit_at_rank_two_is_discounted(self) -> None:
        quality = judged([9.0, 8.0, 7.0, 1.0], right=[1], seen=[], k=3)

        assert quality.ndcg == pytest.approx(1 / log2(3))
        assert quality.mrr == 0.5

    def test_seen_items_are_skipped(self) -> None:
        assert judged([9.0, 8.0, 7.0], right=[1], seen=[0], k=1).recall == 1.0

    def test_items_without_a_score_are_not_recommended(self) -> None:
        quality = judged([9.0, 0.0, -1.0], right=[1, 2], seen=[], k=3)

        assert quality.recall == 0.0
        assert quality.coverage == pytest.approx(1 / 3)

    def test_metrics_of_no_users_are_zero(self) -> None:
        assert judged([1.0, 2.0], right=[], seen=[], k=2) == metrics.Quality(0, 0, 0, 0, 0, 0)
