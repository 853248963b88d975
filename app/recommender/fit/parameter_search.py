"""Search for the parameters that do best on each user's newest events, which are held out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.recommender.fit import metrics
from app.recommender.fit.interactions import Interactions, most_frequent
from app.recommender.fit.local_ridge import local_weights
from app.recommender.fit.metrics import Quality
from app.recommender.fit.solver import Parameters, strongest, weight_matrix
from app.recommender.progress import ReportProgress

HELD_OUT = 0.2
CHOICE_ITEMS = 4_000
CHOICE_USERS = 4_000
EXPONENTS = (0.0, 0.15, 0.25, 0.35, 0.5)
RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0)
FINER = (0.33, 0.58, 1.0, 1.73, 3.0)
MOST_TRIALS = 17
HALF_LIVES_DAYS = (None, 365.0, 90.0, 30.0, 7.0)
K = 20
DENSE, LOCAL = "dense", "local"
"""Solvers: regress every item on all others, or on its neighborhood."""


@dataclass(frozen=True)
class Choice:
    """The chosen parameters and their quality on the events held out, with the popularity baseline."""

    parameters: Parameters
    half_life_days: float | None
    quality: Quality
    popularity: Quality
    solver: str = DENSE


def newest(interactions: Interactions, share: float = HELD_OUT) -> npt.NDArray[np.bool_]:
    """Returns a mask of the newest share of each user's interactions, at least one of two or more; ties go by item."""
    order = np.lexsort((interactions.items, interactions.times, interactions.users))
    counts = np.bincount(interactions.users, minlength=len(interactions.user_ids))
    ends = np.cumsum(counts)
    rank_from_end = np.repeat(ends, counts) - 1 - np.arange(len(interactions))
    held = np.zeros(len(interactions), dtype=bool)
    wanted = np.where(counts > 1, np.maximum(1, np.floor(share * counts)), 0)
    held[order] = rank_from_end < np.repeat(wanted, counts)
    return held


def at_random(interactions: Interactions, seed: int, share: float = HELD_OUT) -> npt.NDArray[np.bool_]:
    """Returns a mask of a random share of all interactions (numpy's default generator)."""
    return np.random.default_rng(seed).random(len(interactions)) < share


def after(interactions: Interactions, share: float = HELD_OUT) -> npt.NDArray[np.bool_]:
    """Returns a mask of the newest share of all interactions, across users."""
    held = np.zeros(len(interactions), dtype=bool)
    held[np.argsort(interactions.times, kind="stable")[len(held) - int(share * len(held)) :]] = True
    return held


def parameters(
    interactions: Interactions, neighbors: int, report: ReportProgress, held_out: npt.NDArray[np.bool_] | None = None
) -> Choice:
    """Searches the exponents and lambda coordinate by coordinate, then the half-life of events.

    The search uses the 4,000 most frequent items and at most 4,000 users for evaluation. It runs the dense solver,
    which is faster at that size; the better solver for the best parameters is chosen at the end.
    """
    trial = _trial(interactions, neighbors, report, held_out)
    best = trial.best([Parameters(0.25, 0.25, ridge) for ridge in RIDGES])
    best = trial.best([replace(best, user_exponent=exponent) for exponent in EXPONENTS])
    best = trial.best([replace(best, item_exponent=exponent) for exponent in EXPONENTS])
    best = trial.best([replace(best, ridge=best.ridge * factor) for factor in FINER])
    solver = max((DENSE, LOCAL), key=lambda name: trial.quality(best, None, name).ndcg)
    half_life = max(HALF_LIVES_DAYS, key=lambda days: trial.quality(best, days, solver).ndcg)
    return Choice(best, half_life, trial.quality(best, half_life, solver), trial.popularity(), solver)


def reused(interactions: Interactions, neighbors: int, report: ReportProgress, earlier: Mapping[str, Any]) -> Choice:
    """Evaluates the `parameters` of an earlier version on the current events."""
    parameters = Parameters(earlier["user_exponent"], earlier["item_exponent"], earlier["ridge"])
    half_life, solver = earlier["half_life_days"], earlier["solver"]
    trial = _trial(interactions, neighbors, report, None)
    return Choice(parameters, half_life, trial.quality(parameters, half_life, solver), trial.popularity(), solver)


def _trial(
    interactions: Interactions, neighbors: int, report: ReportProgress, held_out: npt.NDArray[np.bool_] | None
) -> "_Trial":
    held = newest(interactions) if held_out is None else held_out
    chosen = frequent(interactions, CHOICE_ITEMS)
    return _Trial(interactions.only(chosen), held[chosen], neighbors, report)


def fitted(
    interactions: sparse.csr_matrix,
    parameters: Parameters,
    solver: str,
    neighbors: int,
    report: Callable[[float], None] = lambda _: None,
) -> sparse.csr_matrix:
    """Returns the rows of a solver, with `neighbors` weights each."""
    if solver == LOCAL:
        return local_weights(interactions, parameters, neighbors, report)
    return strongest(weight_matrix(interactions, parameters), neighbors)


def frequent(interactions: Interactions, items: int) -> npt.NDArray[np.bool_]:
    """Returns a mask of the entries of the most frequent items."""
    counts = np.bincount(interactions.items, minlength=len(interactions.item_ids))
    chosen = np.zeros(len(counts), dtype=bool)
    chosen[most_frequent(counts, items)] = True
    return chosen[interactions.items]


class _Trial:
    """Fits candidates on the training part and evaluates them on the held-out part; no candidate is fitted twice."""

    def __init__(
        self, interactions: Interactions, held: npt.NDArray[np.bool_], neighbors: int, report: ReportProgress
    ) -> None:
        self._interactions, self._neighbors, self._report = interactions.taken(~held), neighbors, report
        self._train = self._interactions.matrix()
        self._test = _some_users(interactions.matrix(held), CHOICE_USERS)
        self._ndcg: dict[Parameters, float] = {}
        self._fitted: tuple[Parameters, str, sparse.csr_matrix] | None = None

    def best(self, candidates: list[Parameters]) -> Parameters:
        for candidate in candidates:
            if candidate not in self._ndcg:
                self._ndcg[candidate] = self.quality(candidate, None).ndcg
                self._report("choosing parameters", len(self._ndcg) / MOST_TRIALS)
        return max(self._ndcg, key=lambda candidate: self._ndcg[candidate])

    def quality(self, candidate: Parameters, half_life_days: float | None, solver: str = DENSE) -> Quality:
        history = self._interactions.aged(half_life_days)
        return metrics.quality(history, self._model(candidate, solver), self._train, self._test, K)

    def popularity(self) -> Quality:
        return metrics.popularity_quality(self._train, self._test, K)

    def _model(self, candidate: Parameters, solver: str) -> sparse.csr_matrix:
        if self._fitted is None or self._fitted[:2] != (candidate, solver):
            self._fitted = candidate, solver, fitted(self._train, candidate, solver, self._neighbors)
        return self._fitted[2]


def _some_users(held_out: sparse.csr_matrix, most: int) -> sparse.csr_matrix:
    """Keeps an even sample of the users with events held out, and empties the other rows."""
    users = np.flatnonzero(np.diff(held_out.indptr))
    if len(users) <= most:
        return held_out
    keep = np.zeros(held_out.shape[0])
    keep[users[np.linspace(0, len(users) - 1, most).astype(int)]] = 1.0
    sample = sparse.csr_matrix(sparse.diags(keep) @ held_out)
    sample.eliminate_zeros()
    return sample
