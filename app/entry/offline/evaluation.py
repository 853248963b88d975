"""Measures the recommender on files: the same training and packed rows as in serving, without a database."""

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from app.config import Settings, training_memory_bytes
from app.entry.files.reader import Options
from app.entry.offline.event_files import EventFiles
from app.recommender import packing
from app.recommender.fit import beyond_accuracy, holdouts, metrics
from app.recommender.fit.interactions import combined, gather
from app.recommender.fit.learn import LocalModel, chosen, fitted
from app.recommender.fit.metrics import Judged
from app.recommender.fit.parameter_search import Choice
from app.recommender.fit.recent import Recency, RecentCounts
from app.recommender.fit.solver import Parameters
from app.recommender.fit.trial import DENSE, LOCAL
from app.recommender.progress import ReportProgress

SEED = 0
VALIDATION_SEED = 1
CHOSEN, POPULARITY = "chosen", "popularity"
LEARNING = tuple(field.name for field in fields(Parameters))
SERVING = tuple(field.name for field in fields(Recency))
SETTABLE: Mapping[str, Callable[[str], float]] = {"neighbors": int, **dict.fromkeys((*LEARNING, *SERVING), float)}
DEFAULT_OPTIONS = Options()
WITH_INTERVALS = ("recall", "ndcg")
"""Metrics that get a confidence interval."""


@dataclass(frozen=True)
class Configuration:
    """One configuration to evaluate: the trainer's choice with these changes."""

    name: str
    changes: Mapping[str, Any]

    @classmethod
    def parsed(cls, text: str) -> "Configuration":
        """Parses `local,neighbors=50,half_life_days=none`, for example; `chosen` changes nothing.

        Raises:
            ValueError: a part is not known; the message names it.
        """
        changes: dict[str, Any] = {}
        for part in filter(None, text.split(",")):
            name, separator, value = part.partition("=")
            if part in {DENSE, LOCAL}:
                changes["solver"] = part
            elif separator and name in SETTABLE:
                changes[name] = None if value == "none" and name in SERVING else SETTABLE[name](value)
            elif part != CHOSEN:
                raise ValueError(f"{part!r} is not one of {CHOSEN}, {DENSE}, {LOCAL}, {'=..., '.join(SETTABLE)}=...")
        return cls(text, changes)

    def of(self, choice: Choice) -> Choice:
        changes = {name: value for name, value in self.changes.items() if name != "neighbors"}
        learning = {name: changes.pop(name) for name in LEARNING if name in changes}
        serving = {name: changes.pop(name) for name in SERVING if name in changes}
        return replace(
            choice,
            parameters=replace(choice.parameters, **learning),
            recency=replace(choice.recency, **serving),
            **changes,
        )


def run(
    train: Path,
    test: Path | None,
    holdout: str | None,
    k: int,
    configurations: Sequence[Configuration],
    report: ReportProgress,
    say: Callable[[str], None],
    options: Options = DEFAULT_OPTIONS,
) -> dict[str, Any]:
    """Trains each configuration on the training part, and measures it on the test part.

    The trainer chooses its parameters on a part held out of the training part in the same way.

    Args:
        train: a file with the columns user_id, item_id and optionally event_type, value, timestamp.
        test: a file of the same format. None holds out a part of `train`.
        holdout: next (each user's newest moment), time (the newest fifth), last (each user's newest fifth) or random (a
            fifth, numpy's default generator, seed 0). None is next if there are times, else random.
        k: length of the lists.
        configurations: compared with each other and with popularity; differences are from the first one.
        report: called with the phase and its progress.
        say: prints a line about the files.
        options: how to read both files.
    """
    started, files = time.monotonic(), EventFiles(options, say)
    interactions = gather(files.events(train))
    holdout = holdout or holdouts.usual(interactions)
    if test is None:
        held_out = holdouts.of_kind(interactions, holdout, SEED)
    else:
        interactions, held_out = combined(interactions, gather(files.events(test)))
    training = interactions.taken(~held_out)
    default_neighbors: int = Settings.model_fields["neighbors"].default
    choice = chosen(
        training,
        neighbors=default_neighbors,
        memory_bytes=training_memory_bytes(None),
        report=report,
        holdout=holdout,
        seed=VALIDATION_SEED,
    )
    recent, times = RecentCounts.of(training), holdouts.user_times(interactions.taken(held_out), np.minimum, np.inf)
    evaluator = _Evaluator(training.matrix(), interactions.matrix(held_out), k)
    results: list[dict[str, Any]] = []
    for configuration in configurations:
        kept = configuration.changes.get("neighbors", default_neighbors)
        learned = fitted(training, configuration.of(choice), neighbors=kept, report=report)
        report(f"measuring {configuration.name}", 0.0)
        recency = learned.choice.recency
        history = training.aged(recency.half_life_days, recency.step_decay)
        results.append(
            {"name": configuration.name, "parameters": {**learned.parameters, "neighbors": kept}}
            | evaluator.model(history, _served(learned, training.item_ids), recent.factors(times, recency))
        )
    results.append({"name": POPULARITY, "parameters": {}} | evaluator.popularity())
    first = results[0]
    return {
        "k": k,
        "holdout": "file" if test else holdout,
        "files": files.summaries,
        "interactions": {"train": len(training), "test": int(evaluator.test.nnz)},
        "users": len(training.user_ids),
        "items": len(training.item_ids),
        "metrics": first["metrics"],
        "popularity": results[-1]["metrics"],
        "parameters": first["parameters"],
        "comparison": results,
        "seconds": round(time.monotonic() - started, 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


class _Evaluator:
    """Measures models on the same users; differences are from the first model."""

    def __init__(self, seen: sparse.csr_matrix, test: sparse.csr_matrix, k: int) -> None:
        self._seen, self.test, self._k = seen, test, k
        self._parts = beyond_accuracy.item_segments(test, seen)
        self._first: Judged | None = None

    def model(
        self, history: sparse.csr_matrix, model: sparse.csr_matrix, factors: metrics.Factors | None
    ) -> dict[str, Any]:
        return self._result(lambda test: metrics.judged(history, model, self._seen, test, self._k, factors))

    def popularity(self) -> dict[str, Any]:
        return self._result(lambda test: metrics.popularity_judged(self._seen, test, self._k))

    def _result(self, measure: Callable[[sparse.csr_matrix], Judged]) -> dict[str, Any]:
        judged = measure(self.test)
        segments = {**beyond_accuracy.user_segments(judged, self._seen)}
        segments |= {name: measure(part) for name, part in self._parts.items()}
        result = {
            "metrics": judged.quality().rounded() | _rounded(asdict(beyond_accuracy.of_lists(judged, self._seen))),
            "intervals": {name: _bounds(getattr(judged, name)) for name in WITH_INTERVALS},
            "segments": {name: _segment(segment) for name, segment in segments.items()},
        }
        if self._first is None:
            self._first = judged
            return result
        differences = {name: getattr(judged, name) - getattr(self._first, name) for name in WITH_INTERVALS}
        return result | {
            "difference": {
                name: {"value": round(float(values.mean()) if len(values) else 0.0, 5), "interval": _bounds(values)}
                for name, values in differences.items()
            }
        }


def _segment(judged: Judged) -> dict[str, Any]:
    rounded = judged.quality().rounded()
    return {name: rounded[name] for name in (*WITH_INTERVALS, "users")}


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in values.items()}


def _bounds(values: metrics.Floats) -> list[float]:
    return [round(bound, 5) for bound in beyond_accuracy.interval(values)]


def _served(learned: LocalModel, item_ids: list[str]) -> sparse.csr_matrix:
    """The model as serving reads it: its packed rows, unpacked."""
    number = {item_id: index for index, item_id in enumerate(item_ids)}
    entries = [
        (number[item_id], number[neighbor], weight)
        for item_id, packed in learned.packed_rows()
        for neighbor, weight in packing.unpack(packed).items()
    ]
    sources, targets, weights = zip(*entries, strict=True) if entries else ((), (), ())
    return sparse.csr_matrix((weights, (sources, targets)), shape=(len(item_ids), len(item_ids)))
