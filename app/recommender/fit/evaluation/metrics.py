"""Ranking metrics over the full ranking of unseen items.

Binary relevance. Definitions: Jarvelin and Kekalainen, "Cumulated gain-based evaluation of IR techniques", 2002 (NDCG);
Voorhees, TREC-8, 1999 (MRR).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.recommender.intervals import Z

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

Factors = Callable[[Integers], npt.NDArray[np.floating]]
USERS_AT_ONCE, SCORES_AT_ONCE = 512, 25_000_000


@dataclass(frozen=True)
class Quality:
    """Means over the users with events held out, each in [0, 1]; all zero if there are no such users."""

    recall: float
    ndcg: float
    hit_rate: float
    mrr: float
    coverage: float
    """Share of all items that were recommended to at least one user."""
    users: int
    margins: Mapping[str, float] = field(default_factory=dict, compare=False)
    """Half the widths of the 95 % intervals of the means over users. Empty with fewer than two users."""

    def rounded(self) -> dict[str, float]:
        """Returns the metrics without their margins."""
        return {name: round(value, 5) for name, value in asdict(self).items() if name != "margins"}

    def rounded_margins(self) -> dict[str, float]:
        return {f"{name}_margin": round(margin, 5) for name, margin in self.margins.items()}


@dataclass(frozen=True)
class Judged:
    """Recommended lists and their metrics, for each user."""

    users: Integers
    """Row numbers of the users, shape (n,); the other arrays have this length too."""
    recall: Floats
    ndcg: Floats
    hit_rate: Floats
    mrr: Floats
    top: Integers
    """Items by rank, shape (n, k)."""
    filled: npt.NDArray[np.bool_]
    """Whether there is an item at that rank, shape (n, k)."""
    items: int

    def quality(self) -> Quality:
        if not len(self.users):
            return Quality(0.0, 0.0, 0.0, 0.0, 0.0, 0)
        values = {name: getattr(self, name) for name in MEANS}
        means = {name: float(each.mean()) for name, each in values.items()}
        recommended, users = np.unique(self.top[self.filled]), len(self.users)
        margins = (
            {name: Z * float(each.std(ddof=1)) / sqrt(users) for name, each in values.items()} if users > 1 else {}
        )
        return Quality(**means, coverage=len(recommended) / self.items, users=users, margins=margins)

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Judged":
        """Returns the chosen users."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in PER_USER})

    def on(self, held_out: sparse.csr_matrix) -> "Judged":
        """Returns the same lists evaluated on a part of what was held out."""
        chosen = np.diff(held_out.indptr)[self.users] > 0
        return of_lists(self.users[chosen], self.top[chosen], self.filled[chosen], held_out)

    def lists(self) -> sparse.csr_matrix:
        """Returns a matrix of shape (n, items): 1 if the item was recommended to the user."""
        rows = np.repeat(np.arange(len(self.users)), self.filled.sum(axis=1))
        return sparse.csr_matrix((np.ones(len(rows)), (rows, self.top[self.filled])), (len(self.users), self.items))


MEANS = ("recall", "ndcg", "hit_rate", "mrr")
PER_USER = ("users", *MEANS, "top", "filled")


def quality(
    history: sparse.csr_matrix, model: sparse.csr_matrix, seen: sparse.csr_matrix, held_out: sparse.csr_matrix, k: int
) -> Quality:
    """Returns the means of `judged`."""
    return judged(history, model, seen, held_out, k).quality()


def judged(
    history: sparse.csr_matrix,
    model: sparse.csr_matrix,
    seen: sparse.csr_matrix,
    held_out: sparse.csr_matrix,
    k: int,
    factors: Factors | None = None,
) -> Judged:
    """Evaluates the k best unseen items of each user with events held out.

    Args:
        history: users x items, weights of past events.
        model: columns of the history x items, the weights.
        seen: users x items, non-zero for items that must not be recommended.
        held_out: users x items, non-zero for relevant items.
        k: length of the lists.
        factors: returns the factors of scores for some users, of shape (users, items).

    recall = hits / held out; ndcg = sum of 1 / log2(1 + rank) over hits / the same for a perfect list; mrr = 1 / rank
    of the first hit.
    """
    users = np.flatnonzero(np.diff(held_out.indptr))
    items = model.shape[1]
    k = min(k, items)
    shape = len(users), k
    top, filled = np.zeros(shape, np.int64), np.zeros(shape, bool)
    at_once = max(1, min(USERS_AT_ONCE, SCORES_AT_ONCE // max(items, 1)))
    for start in range(0, len(users) if k else 0, at_once):
        chosen, part = users[start : start + at_once], slice(start, start + at_once)
        values = scores(history[chosen], model, chosen, factors)
        values[values <= 0] = -np.inf
        top[part], filled[part] = best(values, seen[chosen], k)
    return of_lists(users, top, filled, held_out)


def of_lists(users: Integers, top: Integers, filled: npt.NDArray[np.bool_], held_out: sparse.csr_matrix) -> Judged:
    """Evaluates lists.

    Args:
        users: row numbers of the users, shape (n,), each with events held out.
        top: items by rank, shape (n, k).
        filled: whether there is an item at that rank, shape (n, k).
        held_out: users x items, non-zero for relevant items.
    """
    k = top.shape[1]
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    perfect = np.cumsum(discounts)
    recall, ndcg, hit_rate, mrr = np.zeros((4, len(users)))
    at_once = max(1, min(USERS_AT_ONCE, SCORES_AT_ONCE // max(held_out.shape[1], 1)))
    for start in range(0, len(users) if k else 0, at_once):
        part = slice(start, start + at_once)
        relevant = held_out[users[part]]
        hits = np.take_along_axis(relevant.toarray() > 0, top[part], axis=1) & filled[part]
        counts = np.diff(relevant.indptr)
        recall[part] = hits.sum(axis=1) / counts
        ndcg[part] = (hits * discounts).sum(axis=1) / perfect[np.minimum(counts, k) - 1]
        hit_rate[part] = hits.any(axis=1)
        mrr[part] = np.where(hits.any(axis=1), 1.0 / (1 + hits.argmax(axis=1)), 0.0)
    return Judged(users, recall, ndcg, hit_rate, mrr, top, filled, held_out.shape[1])


def scores(
    history: sparse.csr_matrix, model: sparse.csr_matrix, users: Integers, factors: Factors | None
) -> npt.NDArray[np.floating]:
    """Returns the scores of all items for some users, shape (users, items); arguments are as in `judged`."""
    product = history @ model
    dense = product.toarray() if sparse.issparse(product) else np.asarray(product)
    return dense if factors is None else dense * factors(users)


def best(
    values: npt.NDArray[np.floating], seen: sparse.csr_matrix, k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Returns the k best unseen items of each row, and whether there is one at each rank; changes the scores.

    An item with the score -inf is not recommended.
    """
    values[seen.nonzero()] = -np.inf
    top = np.argpartition(-values, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(values, top, axis=1), axis=1, kind="stable")
    top = np.take_along_axis(top, order, axis=1)
    return top, np.isfinite(np.take_along_axis(values, top, axis=1))


def popularity(seen: sparse.csr_matrix) -> Integers:
    """Returns the number of users of each item, shape (items,)."""
    counts: Integers = np.asarray((seen != 0).sum(axis=0)).ravel()
    return counts


def popularity_quality(seen: sparse.csr_matrix, held_out: sparse.csr_matrix, k: int) -> Quality:
    """Evaluates the baseline that recommends the items with the most users."""
    return popularity_judged(seen, held_out, k).quality()


def popularity_judged(
    seen: sparse.csr_matrix, held_out: sparse.csr_matrix, k: int, training: sparse.csr_matrix | None = None
) -> Judged:
    """Evaluates the popularity baseline for each user; `training` has its counts, by default `seen`."""
    counts = sparse.csr_matrix(popularity(seen if training is None else training).astype(np.float64))
    same_history = sparse.csr_matrix(np.ones((seen.shape[0], 1)))
    return judged(same_history, counts, seen, held_out, k)
