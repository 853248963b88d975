"""Beyond-accuracy metrics (novelty, diversity, popularity lift), segments and confidence intervals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.recommender.fit.evaluation import metrics
from app.recommender.fit.evaluation.metrics import Floats, Integers, Judged
from app.recommender.fit.interactions import most_frequent

RESAMPLES = 1_000
HEAD_SHARE = 0.2
"""Share of all items, the most popular ones, that form the head."""
NEW_SHARE = 0.25
"""Share of all users, those with the shortest histories, that count as new."""
USERS_AT_ONCE = 256

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BeyondAccuracy:
    """Beyond-accuracy metrics, as means over users."""

    novelty: float
    """Bits of surprise: mean of -log2 of the share of users who know an item (Zhou et al., PNAS 107, 2010)."""
    diversity: float
    """Intra-list: mean over pairs of 1 - cosine of who interacted with them (Ziegler et al., WWW 2005)."""
    popularity_lift: float
    """How much more popular a user's list is than their own items: 0 as much, 1 twice (Abdollahpouri et al., 2019)."""


def of_lists(judged: Judged, seen: sparse.csr_matrix, training: sparse.csr_matrix | None = None) -> BeyondAccuracy:
    """Computes the metrics of the users' lists.

    Args:
        judged: users and their lists.
        seen: users x items, non-zero where a user interacted with an item before.
        training: interactions of all users by which items are compared, by default `seen`.
    """
    lists = judged.lists()
    interacted = ((seen if training is None else training) != 0).astype(np.float64)
    popularity = metrics.popularity(interacted)
    positions = max(lists.nnz, 1)
    surprise = -np.log2(np.maximum(popularity, 1.0) / max(interacted.shape[0], 1))
    novelty = float((lists @ surprise).sum() / positions)
    own = (seen[judged.users] != 0).astype(np.float64)
    histories, lengths = np.diff(own.indptr) > 0, np.diff(lists.indptr) > 0
    both = histories & lengths
    theirs = (own @ popularity)[both] / np.diff(own.indptr)[both]
    recommended = (lists @ popularity)[both] / np.diff(lists.indptr)[both]
    lift = float(recommended.mean() / theirs.mean() - 1.0) if both.any() else 0.0
    return BeyondAccuracy(novelty, _diversity(lists, interacted, popularity), lift)


def _diversity(lists: sparse.csr_matrix, interacted: sparse.csr_matrix, popularity: Integers) -> float:
    """Uses the sum of a list's unit vectors: |sum v|^2 = k + the sum of the cosines of all ordered pairs."""
    lengths = np.sqrt(np.maximum(popularity, 1.0))
    units = sparse.csr_matrix((interacted @ sparse.diags(1.0 / lengths)).T)
    touched = popularity > 0
    sizes = np.asarray(lists[:, touched].sum(axis=1)).ravel()
    diversities: list[float] = []
    for start in range(0, lists.shape[0], USERS_AT_ONCE):
        summed = lists[start : start + USERS_AT_ONCE] @ units
        squared = np.asarray(summed.multiply(summed).sum(axis=1)).ravel()
        size = sizes[start : start + USERS_AT_ONCE]
        pairs = size > 1
        diversities += (1.0 - (squared[pairs] - size[pairs]) / (size[pairs] * (size[pairs] - 1))).tolist()
    return float(np.mean(diversities)) if diversities else 0.0


def interval(values: Floats, seed: int = 0) -> tuple[float, float]:
    """Returns the 95 % percentile bootstrap interval of a mean over users (Efron and Tibshirani, 1993, chapter 13).

    (0, 0) if there are no values.
    """
    if not len(values):
        return 0.0, 0.0
    means = np.array([values[chosen].mean() for chosen in _resamples(len(values), seed)])
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def _resamples(count: int, seed: int) -> Iterator[Integers]:
    random = np.random.default_rng(seed)
    for _ in range(RESAMPLES):
        yield random.integers(0, count, count)


def head(seen: sparse.csr_matrix) -> Mask:
    """Returns a mask of the most popular items."""
    popularity = metrics.popularity(seen)
    chosen = np.zeros(len(popularity), dtype=bool)
    chosen[most_frequent(popularity, round(HEAD_SHARE * len(popularity)))] = True
    return chosen


def user_segments(judged: Judged, seen: sparse.csr_matrix) -> Mapping[str, Judged]:
    """Splits users into those with the shortest histories and the others."""
    lengths = np.diff((seen != 0).tocsr().indptr)[judged.users]
    longest = np.quantile(lengths, NEW_SHARE) if len(lengths) else 0.0
    new = lengths <= longest
    return {"new users": judged.only(new), "other users": judged.only(~new)}


def item_segments(held_out: sparse.csr_matrix, seen: sparse.csr_matrix) -> Mapping[str, sparse.csr_matrix]:
    """Splits the events held out into those of the most popular items and those of the others."""
    popular = head(seen)
    parts = {"head items": popular, "tail items": ~popular}
    segments = {
        name: sparse.csr_matrix(held_out @ sparse.diags(chosen.astype(float))) for name, chosen in parts.items()
    }
    for part in segments.values():
        part.eliminate_zeros()
    return segments
