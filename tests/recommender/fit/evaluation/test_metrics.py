from math import log2

import numpy as np
import pytest
import pytrec_eval
from scipy import sparse

from app.recommender.fit.evaluation import beyond_accuracy, metrics

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


MEASURES = {"ndcg": "ndcg_cut_20", "recall": "recall_20", "hit_rate": "success_20", "mrr": "recip_rank"}


class TestAgainstTrecEval:
    """trec_eval is the reference in information retrieval, and a small package; ranx brings numba and matplotlib."""

    @pytest.mark.parametrize("seed", range(4))
    def test_every_users_metrics_are_the_same_on_random_data_with_ties(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        users, items, k = 60, 90, 20
        scores = random.integers(-2, 6, (users, items)).astype(float)
        scores[:5, 10:] = 0.0  # lists shorter than k
        seen, right = (random.random((users, items)) < share for share in (0.3, 0.08))
        held_out = sparse.csr_matrix((right & ~seen).astype(float))

        judged = metrics.judged(
            sparse.eye(users, format="csr"), sparse.csr_matrix(scores), sparse.csr_matrix(seen), held_out, k
        )

        lists = {
            str(user): {f"{item}": float(k - rank) for rank, item in enumerate(row[filled])}
            for user, row, filled in zip(judged.users, judged.top, judged.filled, strict=True)
        }
        relevant = {str(user): {f"{item}": 1 for item in held_out[user].indices} for user in judged.users}
        reference = pytrec_eval.RelevanceEvaluator(relevant, {"ndcg_cut.20", "recall.20", "success.20", "recip_rank"})
        expected = reference.evaluate(lists)
        for name, measure in MEASURES.items():
            theirs = [expected[str(user)][measure] for user in judged.users]
            assert getattr(judged, name) == pytest.approx(theirs, abs=1e-9), name
        recommended = {item for row in lists.values() for item in row}
        assert judged.quality().coverage == len(recommended) / items
        margin = judged.quality().margins["ndcg"]
        low, high = beyond_accuracy.interval(judged.ndcg)
        assert margin == pytest.approx((high - low) / 2, rel=0.1), "as the bootstrap has it"

    @pytest.mark.parametrize("seed", range(4))
    def test_lists_have_the_highest_scores_of_unseen_items_in_order(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        scores = random.integers(-2, 6, (40, 60)).astype(float)
        seen = random.random((40, 60)) < 0.3
        held_out = sparse.csr_matrix(np.ones((40, 60)))

        judged = metrics.judged(
            sparse.eye(40, format="csr"), sparse.csr_matrix(scores), sparse.csr_matrix(seen), held_out, 20
        )

        for user, row, filled in zip(judged.users, judged.top, judged.filled, strict=True):
            best = np.sort(scores[user][~seen[user] & (scores[user] > 0)])[::-1][:20]
            assert scores[user][row[filled]].tolist() == best.tolist()
            assert not seen[user][row[filled]].any()
