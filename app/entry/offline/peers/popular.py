"""The most popular items: of all time, or of the last days before each question."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from app.entry.offline.peers.peer import Parameters, Scores
from app.recommender.events.weights import SECONDS_A_DAY
from app.recommender.fit.evaluation.questions import Questions
from app.recommender.fit.interactions import Integers


def fit(questions: Questions, parameters: Parameters) -> Iterator[Scores]:
    """Counts the interactions of each item within `days` before a question; None counts the training part."""
    days = parameters["days"]
    items = len(questions.training.item_ids)
    if days is None:
        total = _recommendable(np.bincount(questions.training.items, minlength=items).astype(np.float64))
        yield lambda rows: np.tile(total, (len(rows), 1))
        return
    order = np.argsort(questions.log.times, kind="stable")
    times, logged = questions.log.times[order], questions.log.items[order]

    def scores(rows: Integers) -> npt.NDArray[np.floating]:
        ends = np.searchsorted(times, questions.times[rows])
        starts = np.searchsorted(times, questions.times[rows] - days * SECONDS_A_DAY)
        counts = [np.bincount(logged[start:end], minlength=items) for start, end in zip(starts, ends, strict=True)]
        return _recommendable(np.array(counts, np.float64))

    yield scores


def _recommendable(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    counts[counts <= 0] = -np.inf
    return counts
