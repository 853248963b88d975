"""Serendip's trainer as one of the peers, so that its time and memory are measured in the same way."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from app.entry.offline.peers.peer import Parameters, Scores
from app.recommender.fit.evaluation import metrics
from app.recommender.fit.evaluation.questions import Questions
from app.recommender.fit.interactions import Integers


def fit(questions: Questions, parameters: Parameters) -> Iterator[Scores]:
    """Chooses parameters with the trainer, on a part of the training part, and learns rows of `neighbors` weights."""
    from app.recommender.fit import parameter_search  # noqa: PLC0415 - needs packages that the other peers do not

    training, neighbors = questions.training, parameters["neighbors"]
    choice = parameter_search.parameters(training, neighbors, lambda *_: None)
    rows = parameter_search.fitted(training, choice.parameters, choice.solver, neighbors).final
    history, factors = questions.history(choice.recency), questions.factors(choice.recency)

    def scores(chosen: Integers) -> npt.NDArray[np.floating]:
        values = metrics.scores(history[chosen], rows, chosen, factors)
        values[values <= 0] = -np.inf
        return values

    yield scores
