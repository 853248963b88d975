"""Judging the recommender on files: the same learning and the same packed rows as in serving, without a database."""

import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.clock import EPOCH
from app.config import Settings, training_memory_bytes
from app.domain.events import Event
from app.entry.jobs import file_formats
from app.entry.jobs.file_rows import FileError
from app.entry.jobs.imports import checked
from app.recommender import packing
from app.recommender.fit import beyond_accuracy, metrics, parameter_search
from app.recommender.fit.interactions import Interactions, combined, gather
from app.recommender.fit.learn import LocalModel, Report, chosen, fitted
from app.recommender.fit.metrics import Judged
from app.recommender.fit.parameter_search import DENSE, LOCAL, Choice

SEED = 0
VALIDATION_SEED = 1
Mask = npt.NDArray[np.bool_]
HOLDOUTS: dict[str, Callable[[Interactions, int], Mask]] = {
    "random": parameter_search.at_random,
    "time": lambda interactions, _: parameter_search.after(interactions),
    "last": lambda interactions, _: parameter_search.newest(interactions),
}


CHOSEN, POPULARITY = "chosen", "popularity"
PARAMETERS = ("ridge", "user_exponent", "item_exponent")
SETTABLE: Mapping[str, Callable[[str], float]] = {
    "neighbors": int,
    "half_life_days": float,
    **dict.fromkeys(PARAMETERS, float),
}
SURE = ("recall", "ndcg")
"""Metrics that get an interval."""


@dataclass(frozen=True)
class Configuration:
    """What is tried: the trainer's own choice, but for what is set here."""

    name: str
    changes: Mapping[str, Any]

    @classmethod
    def parsed(cls, text: str) -> "Configuration":
        """From `local,neighbors=50,half_life_days=none`; `chosen` changes nothing.

        Raises:
            ValueError: the text says what it does not know.
        """
        changes: dict[str, Any] = {}
        for part in filter(None, text.split(",")):
            name, separator, value = part.partition("=")
            if part in {DENSE, LOCAL}:
                changes["solver"] = part
            elif separator and name in SETTABLE:
                changes[name] = None if value == "none" and name == "half_life_days" else SETTABLE[name](value)
            elif part != CHOSEN:
                raise ValueError(f"{part!r} is not one of {CHOSEN}, {DENSE}, {LOCAL}, {'=..., '.join(SETTABLE)}=...")
        return cls(text, changes)

    def of(self, choice: Choice) -> Choice:
        changes = {name: value for name, value in self.changes.items() if name != "neighbors"}
        own = {name: changes.pop(name) for name in PARAMETERS if name in changes}
        return replace(choice, parameters=replace(choice.parameters, **own), **changes)


def run(
    train: Path, test: Path | None, holdout: str, k: int, configurations: Sequence[Configuration], report: Report
) -> dict[str, Any]:
    """Learn from the training part, choosing parameters on a part held out of it in the same way, and judge.

    Args:
        train: a file with the columns user_id, item_id and optionally event_type, value, timestamp.
        test: a file of the same form; None holds out a fifth of `train`.
        holdout: random (numpy's default generator, seed 0), time (the newest fifth) or last (each user's newest fifth).
        k: length of the lists.
        configurations: what is compared, besides popularity; the first one is what the others are compared with.
        report: is told of the progress.
    """
    started = time.monotonic()
    interactions = gather(_events(train))
    if test is None:
        held_out = HOLDOUTS[holdout](interactions, SEED)
    else:
        interactions, held_out = combined(interactions, gather(_events(test)))
    known = interactions.taken(~held_out)
    usual: int = Settings.model_fields["neighbors"].default
    choice = chosen(
        known,
        neighbors=usual,
        memory_bytes=training_memory_bytes(None),
        report=report,
        held_out=HOLDOUTS[holdout](known, VALIDATION_SEED),
    )
    judge = _Judge(known.matrix(), interactions.matrix(held_out), k)
    results: list[dict[str, Any]] = []
    for one in configurations:
        kept = one.changes.get("neighbors", usual)
        learned = fitted(known, one.of(choice), neighbors=kept, report=report)
        report(f"judging {one.name}", 0.0)
        history = known.aged(learned.choice.half_life_days)
        results.append(
            {"name": one.name, "parameters": {**learned.parameters, "neighbors": kept}}
            | judge.model(history, _served(learned, known.item_ids))
        )
    results.append({"name": POPULARITY, "parameters": {}} | judge.popularity())
    first = results[0]
    return {
        "k": k,
        "holdout": "file" if test else holdout,
        "interactions": {"train": len(known), "test": int(judge.right.nnz)},
        "users": len(known.user_ids),
        "items": len(known.item_ids),
        "metrics": first["metrics"],
        "popularity": results[-1]["metrics"],
        "parameters": first["parameters"],
        "comparison": results,
        "seconds": round(time.monotonic() - started, 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


class _Judge:
    """Judges one model after the other on the same users; the first one is what the others are compared with."""

    def __init__(self, seen: sparse.csr_matrix, right: sparse.csr_matrix, k: int) -> None:
        self._seen, self.right, self._k = seen, right, k
        self._parts = beyond_accuracy.item_segments(right, seen)
        self._first: Judged | None = None

    def model(self, history: sparse.csr_matrix, model: sparse.csr_matrix) -> dict[str, Any]:
        return self._judged(lambda right: metrics.judged(history, model, self._seen, right, self._k))

    def popularity(self) -> dict[str, Any]:
        return self._judged(lambda right: metrics.popularity_judged(self._seen, right, self._k))

    def _judged(self, judged: Callable[[sparse.csr_matrix], Judged]) -> dict[str, Any]:
        found = judged(self.right)
        segments = {**beyond_accuracy.user_segments(found, self._seen)}
        segments |= {name: judged(part) for name, part in self._parts.items()}
        result = {
            "metrics": found.quality().rounded() | _rounded(asdict(beyond_accuracy.of_lists(found, self._seen))),
            "intervals": {name: _bounds(getattr(found, name)) for name in SURE},
            "segments": {name: _of_segment(one) for name, one in segments.items()},
        }
        if self._first is None:
            self._first = found
            return result
        differences = {name: getattr(found, name) - getattr(self._first, name) for name in SURE}
        return result | {
            "difference": {
                name: {"value": round(float(one.mean()) if len(one) else 0.0, 5), "interval": _bounds(one)}
                for name, one in differences.items()
            }
        }


def _of_segment(judged: Judged) -> dict[str, Any]:
    rounded = judged.quality().rounded()
    return {name: rounded[name] for name in (*SURE, "users")}


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in values.items()}


def _bounds(values: metrics.Floats) -> list[float]:
    return [round(bound, 5) for bound in beyond_accuracy.interval(values)]


def _served(learned: LocalModel, item_ids: list[str]) -> sparse.csr_matrix:
    """The model as serving sees it: packed rows, unpacked."""
    number = {item_id: place for place, item_id in enumerate(item_ids)}
    entries = [
        (number[item_id], number[neighbor], weight)
        for item_id, packed in learned.packed_rows()
        for neighbor, weight in packing.unpack(packed).items()
    ]
    sources, targets, weights = zip(*entries, strict=True) if entries else ((), (), ())
    return sparse.csr_matrix((weights, (sources, targets)), shape=(len(item_ids), len(item_ids)))


def _events(path: Path) -> Iterator[Event]:
    """The good rows of a file of events; a file with bad ones is refused."""
    for source in file_formats.sources(path, "events", {}):
        for row, body in checked(source.kind, file_formats.rows(source)):
            if isinstance(body, str):
                raise FileError(f"{path.name}, row {row.number}: {body}.")
            yield body.record(body.user_id, EPOCH)
