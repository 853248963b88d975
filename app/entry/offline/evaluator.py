"""Measures models and lists on the same questions."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from scipy import sparse

from app.recommender.fit.evaluation import beyond_accuracy, metrics
from app.recommender.fit.evaluation.metrics import Judged
from app.recommender.fit.evaluation.questions import Exam
from app.recommender.fit.recent import Recency

WITH_INTERVALS = ("recall", "ndcg", "hit_rate", "mrr")
"""Metrics that get a confidence interval."""
COMPARED = ("recall", "ndcg")
"""Metrics that get a difference from the first model, and a value for each segment."""


class Evaluator:
    """Measures models on the same questions; differences are from the first model."""

    def __init__(self, exam: Exam, k: int) -> None:
        self._questions, self.test, self._k = exam.questions, exam.held_out, k
        self._seen, self._training = exam.questions.seen, exam.questions.training.matrix()
        self._parts = beyond_accuracy.item_segments(self.test, self._training)
        self._first: Judged | None = None

    def model(self, recency: Recency, model: sparse.csr_matrix) -> dict[str, Any]:
        history, factors = self._questions.history(recency), self._questions.factors(recency)
        return self.lists(metrics.judged(history, model, self._seen, self.test, self._k, factors))

    def popularity(self) -> dict[str, Any]:
        return self.lists(metrics.popularity_judged(self._seen, self.test, self._k, self._training))

    def lists(self, judged: Judged) -> dict[str, Any]:
        """Measures lists for all questions that have an answer."""
        segments = {**beyond_accuracy.user_segments(judged, self._seen)}
        segments |= {name: judged.on(part) for name, part in self._parts.items()}
        result = {
            "metrics": judged.quality().rounded()
            | _rounded(asdict(beyond_accuracy.of_lists(judged, self._seen, self._training))),
            "intervals": {name: _bounds(getattr(judged, name)) for name in WITH_INTERVALS},
            "segments": {name: _segment(segment) for name, segment in segments.items()},
        }
        if self._first is None:
            self._first = judged
            return result
        differences = {name: getattr(judged, name) - getattr(self._first, name) for name in COMPARED}
        return result | {
            "difference": {
                name: {"value": round(float(values.mean()) if len(values) else 0.0, 5), "interval": _bounds(values)}
                for name, values in differences.items()
            }
        }


def _segment(judged: Judged) -> dict[str, Any]:
    rounded = judged.quality().rounded()
    return {name: rounded[name] for name in (*COMPARED, "users")}


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in values.items()}


def _bounds(values: metrics.Floats) -> list[float]:
    return [round(bound, 5) for bound in beyond_accuracy.interval(values)]
