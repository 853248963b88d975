"""Measures the recommender on files: the same training and packed rows as in serving, without a database."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from scipy import sparse

from app.config import Settings, training_memory_bytes
from app.entry.files.reader import Options
from app.entry.offline import against, peak_memory
from app.entry.offline.against import PeerFailed
from app.entry.offline.evaluator import Evaluator
from app.entry.offline.event_files import EventFiles
from app.recommender import packing
from app.recommender.fit.evaluation import holdouts, questions
from app.recommender.fit.evaluation.trial import DENSE, LOCAL
from app.recommender.fit.interactions import combined, gather
from app.recommender.fit.learn import LocalModel, chosen, fitted
from app.recommender.fit.parameter_search import Choice
from app.recommender.fit.recent import Recency
from app.recommender.fit.solver import Parameters
from app.recommender.progress import ReportProgress

SEED = 0
VALIDATION_SEED = 1
CHOSEN, POPULARITY = "chosen", "popularity"
LEARNING = tuple(field.name for field in fields(Parameters))
SERVING = tuple(field.name for field in fields(Recency))
SETTABLE: Mapping[str, Callable[[str], float]] = {"neighbors": int, **dict.fromkeys((*LEARNING, *SERVING), float)}
DEFAULT_OPTIONS = Options()


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
    peers: Sequence[str] = (),
    peer_seconds: float = against.BUDGET_SECONDS,
) -> dict[str, Any]:
    """Trains each configuration on the training part, and measures it on the test part.

    The trainer, and each peer, chooses its parameters on a part held out of the training part in the same way; for a
    replay, on each user's newest moment, as in production.

    Args:
        train: a file with the columns user_id, item_id and optionally event_type, value, timestamp.
        test: a file of the same format. None holds out a part of `train`.
        holdout: next (each user's newest moment), time (the newest fifth, replayed), last (each user's newest fifth) or
            random (a fifth, numpy's default generator, seed 0). None is next if there are times, else random.
        k: length of the lists.
        configurations: compared with each other and with popularity; differences are from the first one.
        report: called with the phase and its progress.
        say: prints a line about the files.
        options: how to read both files.
        peers: names of `catalog` to compare with.
        peer_seconds: CPU seconds in which each peer may choose its parameters.

    Raises:
        NotEnoughData: the events are too few, or without the times that the holdout needs.
        SetupError: the environment of the peers is not installed.
    """
    started, files = time.monotonic(), EventFiles(options, say)
    against.check_installed(peers)
    interactions = gather(files.events(train))
    holdout = holdout or holdouts.usual(interactions)
    validated = holdouts.NEXT if holdout == holdouts.TIME else holdout
    if test is None:
        exam = questions.of_kind(interactions, holdout, SEED)
    else:
        exam = questions.of_mask(*combined(interactions, gather(files.events(test))))
    training = exam.questions.training
    default_neighbors: int = Settings.model_fields["neighbors"].default
    choosing = time.monotonic()
    choice = chosen(
        training,
        neighbors=default_neighbors,
        memory_bytes=training_memory_bytes(None),
        report=report,
        holdout=validated,
        seed=VALIDATION_SEED,
    )
    choice_seconds = time.monotonic() - choosing
    evaluator = Evaluator(exam, k)
    results: list[dict[str, Any]] = []
    for configuration in configurations:
        kept, learning = configuration.changes.get("neighbors", default_neighbors), time.monotonic()
        learned = fitted(training, configuration.of(choice), neighbors=kept, report=report)
        cost = _cost(choice_seconds + time.monotonic() - learning, peak_memory.megabytes())
        report(f"measuring {configuration.name}", 0.0)
        results.append(
            {"name": configuration.name, "parameters": {**learned.parameters, "neighbors": kept}, **cost}
            | evaluator.model(learned.choice.recency, _served(learned, training.item_ids))
        )
    failures: dict[str, str] = {}
    if peers:
        validation = questions.of_kind(training, validated, VALIDATION_SEED)
        for name, lists in against.compared(peers, validation, exam, k, report, peer_seconds):
            if isinstance(lists, PeerFailed):
                failures[name] = str(lists)
                continue
            cost = _cost(lists.seconds, lists.peak_memory_mb) | {"fit_seconds": lists.fit_seconds}
            results.append(
                {"name": name, "parameters": lists.parameters, **cost} | evaluator.lists(against.judged(lists, exam))
            )
    results.append({"name": POPULARITY, "parameters": {}} | evaluator.popularity())
    first = results[0]
    return {
        "k": k,
        "holdout": "file" if test else holdout,
        "files": files.summaries,
        "interactions": {"train": len(training), "test": int(exam.held_out.nnz)},
        "questions": len(exam.rows),
        "users": len(training.user_ids),
        "items": len(training.item_ids),
        "metrics": first["metrics"],
        "popularity": results[-1]["metrics"],
        "parameters": first["parameters"],
        "comparison": results,
        "failures": failures,
        "seconds": round(time.monotonic() - started, 2),
        "peak_memory_mb": peak_memory.megabytes(),
    }


def _cost(seconds: float, megabytes: float) -> dict[str, float]:
    """What choosing parameters and learning took, and the memory of the process until then."""
    return {"seconds": round(seconds, 2), "peak_memory_mb": round(megabytes)}


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
