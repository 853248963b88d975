"""The files by which peers, in processes and environments of their own, get questions and return lists.

A folder holds an exam whose answers are there, to choose parameters on, and questions without answers.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from app.recommender.fit.evaluation.holdouts import sampled
from app.recommender.fit.evaluation.questions import Exam, Questions
from app.recommender.fit.interactions import Integers, Interactions

VALIDATION, HELD_OUT, TEST, LISTS, FACTS = "validation.npz", "held_out.npz", "test.npz", "lists.npz", "facts.json"
JUDGED = 3_000
"""Most questions to choose parameters on."""
PARTS = ("training", "log", "histories")
COLUMNS = ("users", "items", "values", "times")


@dataclass(frozen=True)
class Lists:
    """What a peer returns."""

    top: Integers
    """Items by rank, shape (questions, k)."""
    filled: npt.NDArray[np.bool_]
    """Whether there is an item at that rank, shape (questions, k)."""
    parameters: dict[str, Any]
    tuning_seconds: float
    fit_seconds: float
    cpu_seconds: float
    """Of the whole process."""
    peak_memory_mb: float
    """Of the whole process."""

    @property
    def seconds(self) -> float:
        return self.tuning_seconds + self.fit_seconds


def write(folder: Path, validation: Exam, test: Exam) -> None:
    """Writes the questions that have answers, a sample of those of `validation`; the answers of `test` stay here."""
    judged = validation.only(sampled(validation.rows, JUDGED))
    _write_questions(folder / VALIDATION, judged.questions)
    sparse.save_npz(folder / HELD_OUT, judged.held_out, compressed=False)
    _write_questions(folder / TEST, test.questions.only(test.rows))


def read(folder: Path) -> tuple[Exam, Questions]:
    """Returns the exam to choose parameters on, and the questions to answer."""
    held_out = sparse.csr_matrix(sparse.load_npz(folder / HELD_OUT))
    return Exam(_read_questions(folder / VALIDATION), held_out), _read_questions(folder / TEST)


def answer(folder: Path, lists: Lists) -> None:
    facts = {name: value for name, value in vars(lists).items() if name not in {"top", "filled"}}
    np.savez(folder / LISTS, top=lists.top, filled=lists.filled)
    (folder / FACTS).write_text(json.dumps(facts))


def answered(folder: Path) -> Lists:
    with np.load(folder / LISTS) as arrays:
        return Lists(arrays["top"], arrays["filled"], **json.loads((folder / FACTS).read_text()))


def _write_questions(path: Path, questions: Questions) -> None:
    arrays = {"users": questions.users, "times": questions.times}
    for part in PARTS:
        interactions: Interactions = getattr(questions, part)
        arrays[f"{part}_shape"] = np.array([len(interactions.user_ids), len(interactions.item_ids)])
        arrays |= {f"{part}_{column}": getattr(interactions, column) for column in COLUMNS}
    np.savez(path, allow_pickle=False, **arrays)


def _read_questions(path: Path) -> Questions:
    parts = {}
    with np.load(path) as arrays:
        for part in PARTS:
            users, items = arrays[f"{part}_shape"].tolist()
            columns = {column: arrays[f"{part}_{column}"] for column in COLUMNS}
            parts[part] = Interactions([""] * users, [""] * items, **columns)
        return Questions(**parts, users=arrays["users"], times=arrays["times"])
