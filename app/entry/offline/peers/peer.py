"""What a peer is, and how its parameters are chosen."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from app.recommender.fit.evaluation import metrics
from app.recommender.fit.evaluation.questions import Exam, Questions
from app.recommender.fit.interactions import Integers

ROWS_AT_ONCE = 256
PATIENCE = 4
"""Rounds without an improvement after which a fit ends."""

Parameters = Mapping[str, Any]
Scores = Callable[[Integers], npt.NDArray[np.floating]]
"""Takes rows of questions; returns scores of shape (rows, items), -inf for items not to recommend."""
Fit = Callable[[Questions, Parameters], Iterator[Scores]]
"""Learns from the training part; yields the scores of the questions after each round, often only one."""


@dataclass(frozen=True)
class Peer:
    """A recommender to compare with."""

    fit: Fit
    start: Parameters
    groups: Sequence[tuple[str, Sequence[Any]]] = ()
    """Parameters to choose one after the other, each with its values."""


@dataclass(frozen=True)
class Choice:
    parameters: Parameters
    rounds: int | None
    """Rounds of the best fit; None if nothing was compared: as many as it yields."""
    ndcg: float


def chosen(peer: Peer, validation: Exam, k: int, budget_seconds: float) -> Choice:
    """Chooses the parameters and the number of rounds with the highest NDCG, until the CPU time is over."""
    until = time.process_time() + budget_seconds
    tried: dict[tuple[tuple[str, Any], ...], Choice] = {}

    def judged(parameters: Parameters) -> Choice:
        key = tuple(sorted(parameters.items()))
        if key not in tried:
            tried[key] = _judged(peer, parameters, validation, k, until)
        return tried[key]

    if not any(len(values) > 1 for _, values in peer.groups):
        return Choice(peer.start, None, 0.0)
    best = judged(peer.start)
    for name, values in peer.groups:
        for value in values:
            if time.process_time() < until:
                best = max(best, judged({**best.parameters, name: value}), key=lambda choice: choice.ndcg)
    return best


def _judged(peer: Peer, parameters: Parameters, validation: Exam, k: int, until: float) -> Choice:
    best = Choice(parameters, 0, -1.0)
    for done, scores in enumerate(peer.fit(validation.questions, parameters), 1):
        top, filled = top_lists(scores, validation.questions, k)
        ndcg = metrics.of_lists(validation.rows, top, filled, validation.held_out).quality().ndcg
        if ndcg > best.ndcg:
            best = Choice(parameters, done, ndcg)
        if done - (best.rounds or 0) >= PATIENCE or time.process_time() > until:
            break
    return best


def fitted(peer: Peer, choice: Choice, questions: Questions) -> Scores:
    """Fits the choice, for as many rounds as were best."""
    *_, scores = islice(peer.fit(questions, choice.parameters), choice.rounds)
    return scores


def top_lists(scores: Scores, questions: Questions, k: int) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Returns the k best unseen items of each question, and at which ranks there are any; shapes (questions, k)."""
    items = len(questions.training.item_ids)
    k = min(k, items)
    top = np.zeros((len(questions.users), k), np.int64)
    filled = np.zeros(top.shape, bool)
    for start in range(0, len(top), ROWS_AT_ONCE):
        rows = np.arange(start, min(start + ROWS_AT_ONCE, len(top)))
        top[rows], filled[rows] = metrics.best(np.array(scores(rows)), questions.seen[rows], k)
    return top, filled
