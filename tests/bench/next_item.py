"""The next item of each user: what the trainer chooses, against similarity alone as before, and against peers."""

import time
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from app.recommender.fit import parameter_search
from app.recommender.fit.evaluation import holdouts, metrics, questions
from app.recommender.fit.evaluation.metrics import Judged
from app.recommender.fit.evaluation.questions import Exam
from app.recommender.fit.evaluation.trial import DENSE, Candidate, Trial
from app.recommender.fit.interactions import Interactions, gather
from app.recommender.fit.solver import Parameters
from tests.bench import peers
from tests.support import datasets
from tests.support.builders import an_event

KEPT, K = 100, 20
PEERS = "serendip,popular,popular-7-days,implicit,rectools,sasrec"
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
        f"on the moment before, those of each peer within {peers.SECONDS:.0f} CPU s. `similarity` chooses as releases "
        "up to 0.7 did: exponents, lambda and half-life"
    )
    for name, rows in datasets.present():
        interactions = gather(an_event(user, item, minutes=at / 60) for user, item, at in rows)
        for seed in SPLITS:
            _compare(name, split(interactions, seed), seed)


def split(interactions: Interactions, seed: int) -> Interactions:
    """Returns histories that end at a random one of each user's last three moments, of four fifths of the users."""
    random, users = np.random.default_rng(seed), len(interactions.user_ids)
    moments, left_out = interactions.moments(), random.integers(0, 3, users)
    last = np.zeros(users, np.int64)
    np.maximum.at(last, interactions.users, moments)
    kept = (random.random(users) < 0.8)[interactions.users]
    return interactions.taken(kept & (last[interactions.users] - moments >= left_out[interactions.users]))


def _compare(name: str, interactions: Interactions, seed: int) -> None:
    exam = questions.of_kind(interactions, holdouts.NEXT, 0)
    train = exam.questions.training
    started = time.monotonic()
    similarity = _judge(exam, *similarity_alone(train))
    rows = peers.Rows(exam, similarity, "similarity")
    print(
        f"  {name}, split {seed}, {len(exam.rows):,} users, {len(train.item_ids):,} items, {len(train):,} interactions"
    )
    rows.show("similarity", similarity, time.monotonic() - started)
    rows.compare(PEERS, questions.of_kind(train, holdouts.NEXT, 0))


def similarity_alone(train: Interactions) -> tuple[Candidate, str]:
    """Returns the choice of releases up to 0.7, on each user's newest fifth."""
    trial = Trial(questions.of_mask(train, holdouts.newest(train)), KEPT)

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


def _judge(exam: Exam, candidate: Candidate, name: str) -> Judged:
    rows = parameter_search.fitted(exam.questions.training, candidate.parameters, name, KEPT)
    history = exam.questions.history(candidate.recency)
    return metrics.judged(history, rows.final, exam.questions.seen, exam.held_out, K)
