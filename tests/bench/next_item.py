"""The next item of each user: what the trainer chooses, against similarity alone as before, and popularity."""

import time
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.recommender.fit import beyond_accuracy, holdouts, metrics, parameter_search
from app.recommender.fit.interactions import Interactions, gather
from app.recommender.fit.metrics import Judged
from app.recommender.fit.recent import RecentCounts
from app.recommender.fit.solver import Parameters
from app.recommender.fit.trial import DENSE, Candidate, Trial
from tests.support import datasets
from tests.support.builders import an_event

KEPT, K = 100, 20
SPLITS = (11, 12, 13)
"""Seeds: each leaves out a fifth of the users, and ends histories at another event, so that other items come next."""
EARLIER: Mapping[str, Sequence[float | None]] = {
    "ridge": (0.3, 1.0, 3.0, 10.0, 30.0),
    "user_exponent": (0.0, 0.15, 0.25, 0.35, 0.5),
    "item_exponent": (0.0, 0.15, 0.25, 0.35, 0.5),
    "half_life_days": (None, 365.0, 90.0, 30.0, 7.0),
}
FINER = (0.33, 0.58, 1.73, 3.0)


def run() -> None:
    print(
        f"\nNext: NDCG@{K} of each user's next moment, unseen items, {KEPT} weights a row; the parameters are chosen "
        "on the moment before. `similarity` chooses as releases up to 0.7 did: exponents, lambda and half-life"
    )
    for name, rows in datasets.present():
        interactions = gather(an_event(user, item, minutes=at / 60) for user, item, at in rows)
        for seed in SPLITS:
            _compare(name, _split(interactions, seed), seed)


def _split(interactions: Interactions, seed: int) -> Interactions:
    """Returns histories that end at a random one of each user's last three moments, of four fifths of the users."""
    random, users = np.random.default_rng(seed), len(interactions.user_ids)
    moments, left_out = interactions.moments(), random.integers(0, 3, users)
    last = np.zeros(users, np.int64)
    np.maximum.at(last, interactions.users, moments)
    kept = (random.random(users) < 0.8)[interactions.users]
    return interactions.taken(kept & (last[interactions.users] - moments >= left_out[interactions.users]))


def _compare(name: str, interactions: Interactions, seed: int) -> None:
    held = holdouts.next_moment(interactions)
    train, test = interactions.taken(~held), interactions.matrix(held)
    times = holdouts.user_times(interactions.taken(held), np.minimum, np.inf)
    started = time.monotonic()
    choice = parameter_search.parameters(train, KEPT, lambda *_: None)
    chosen = time.monotonic()
    before = _similarity(train)
    compared = time.monotonic()
    seen = train.matrix()
    results = {
        "popularity": metrics.popularity_judged(seen, test, K),
        f"similarity ({compared - chosen:.0f} s)": _judge(train, test, times, *before),
        f"chosen ({chosen - started:.0f} s)": _judge(
            train, test, times, Candidate(choice.parameters, choice.recency), choice.solver
        ),
    }
    print(f"  {name}, split {seed}, {len(results['popularity'].users):,} users: {choice.parameters}, {choice.recency}")
    baseline = list(results.values())[1]
    for label, judged in results.items():
        quality, (low, high) = judged.quality(), beyond_accuracy.interval(judged.ndcg)
        ratio = quality.ndcg / baseline.quality().ndcg - 1
        bounds = beyond_accuracy.interval(judged.ndcg - baseline.ndcg)
        print(
            f"    {label:18} NDCG {quality.ndcg:.4f} [{low:.4f}, {high:.4f}], coverage {quality.coverage:.3f}, "
            f"{ratio:+.1%} over similarity, difference [{bounds[0]:+.4f}, {bounds[1]:+.4f}]",
            flush=True,
        )


def _similarity(train: Interactions) -> tuple[Candidate, str]:
    """Returns the choice of releases up to 0.7, on each user's newest fifth."""
    trial = Trial(train, holdouts.newest(train), KEPT)

    @cache
    def ndcg(candidate: Candidate, name: str) -> float:
        return trial.quality(candidate, name).ndcg

    best, name = Candidate(Parameters(0.25, 0.25, 3.0)), DENSE
    for field, values in EARLIER.items():
        if field == "half_life_days":
            name = max(trial.solvers, key=lambda each: ndcg(best, each))
        best = max((best, *(best.changed(**{field: value}) for value in values)), key=lambda each: ndcg(each, name))
        if field == "item_exponent":
            finer = (best.changed(ridge=best.parameters.ridge * factor) for factor in FINER)
            best = max((best, *finer), key=lambda each: ndcg(each, name))
    return best, name


def _judge(
    train: Interactions, test: sparse.csr_matrix, times: npt.NDArray[np.float64], candidate: Candidate, name: str
) -> Judged:
    rows = parameter_search.fitted(train, candidate.parameters, name, KEPT)
    recency = candidate.recency
    history = train.aged(recency.half_life_days, recency.step_decay)
    factors = RecentCounts.of(train).factors(times, recency)
    return metrics.judged(history, rows.final, train.matrix(), test, K, factors)
