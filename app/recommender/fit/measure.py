"""How good recommendations are, over the full ranking of unseen items.

Binary relevance. Definitions: Jarvelin and Kekalainen, "Cumulated gain-based evaluation of IR techniques", 2002 (NDCG);
Voorhees, TREC-8, 1999 (MRR).
"""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

USERS_AT_ONCE, SCORES_AT_ONCE = 512, 25_000_000


@dataclass(frozen=True)
class Quality:
    """Means over the users that have something held out, each in [0, 1]; all zero where there is no such user."""

    recall: float
    ndcg: float
    hit_rate: float
    mrr: float
    coverage: float
    """Share of all items that were recommended to anybody."""
    users: int

    def rounded(self) -> dict[str, float]:
        return {name: round(value, 5) for name, value in asdict(self).items()}


def quality(
    history: sparse.csr_matrix, model: sparse.csr_matrix, seen: sparse.csr_matrix, held_out: sparse.csr_matrix, k: int
) -> Quality:
    """Judge the k best unseen items of each user against what was held out.

    Args:
        history: users x items, weights of past events.
        model: columns of the history x items, the kept weights.
        seen: users x items, non-zero where an item is not to be recommended.
        held_out: users x items, non-zero where an item is right.
        k: length of the lists.

    recall = hits / held out; ndcg = sum of 1 / log2(1 + rank) over hits / the same for a perfect list; mrr = 1 / rank
    of the first hit.
    """
    users = np.flatnonzero(np.diff(held_out.indptr))
    k = min(k, model.shape[1])
    if not len(users) or not k:
        return Quality(0.0, 0.0, 0.0, 0.0, 0.0, 0)
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    perfect = np.cumsum(discounts)
    sums = np.zeros(4)
    recommended = np.zeros(model.shape[1], dtype=bool)
    at_once = max(1, min(USERS_AT_ONCE, SCORES_AT_ONCE // model.shape[1]))
    for start in range(0, len(users), at_once):
        chosen = users[start : start + at_once]
        top, known = _top(history[chosen] @ model, seen[chosen], k)
        hits = np.take_along_axis(held_out[chosen].toarray() > 0, top, axis=1) & known
        recommended[top[known]] = True
        relevant = np.diff(held_out.indptr)[chosen]
        first = np.where(hits.any(axis=1), 1.0 / (1 + hits.argmax(axis=1)), 0.0)
        ndcg = (hits * discounts).sum(axis=1) / perfect[np.minimum(relevant, k) - 1]
        sums += [(hits.sum(axis=1) / relevant).sum(), ndcg.sum(), hits.any(axis=1).sum(), first.sum()]
    recall, ndcg_mean, hit_rate, mrr = (float(value) for value in sums / len(users))
    return Quality(recall, ndcg_mean, hit_rate, mrr, float(recommended.mean()), len(users))


def _top(
    scores: sparse.csr_matrix, seen: sparse.csr_matrix, k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The k best unseen items of each row, and which of them have a score at all."""
    dense = scores.toarray() if sparse.issparse(scores) else np.asarray(scores)
    dense[dense <= 0] = -np.inf
    dense[seen.nonzero()] = -np.inf
    top = np.argpartition(-dense, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(dense, top, axis=1), axis=1, kind="stable")
    top = np.take_along_axis(top, order, axis=1)
    return top, np.isfinite(np.take_along_axis(dense, top, axis=1))


def popularity_quality(seen: sparse.csr_matrix, held_out: sparse.csr_matrix, k: int) -> Quality:
    """The baseline: every user gets the items that most users interacted with."""
    counts = sparse.csr_matrix(np.asarray((seen != 0).sum(axis=0), dtype=np.float64))
    everybody = sparse.csr_matrix(np.ones((seen.shape[0], 1)))
    return quality(everybody, counts, seen, held_out, k)
