"""Runs one peer in this process: python -m app.entry.offline.peers FOLDER NAME K SECONDS."""

import resource
import sys
import time
from pathlib import Path

from app.entry.offline import peak_memory
from app.entry.offline.peers import catalog, exchange, peer


def run(folder: Path, name: str, k: int, budget_seconds: float) -> None:
    """Chooses the peer's parameters within the budget, fits it, and writes its lists and what they took."""
    validation, questions = exchange.read(folder)
    recommender = catalog.of(name)
    started = time.monotonic()
    choice = peer.chosen(recommender, validation, k, budget_seconds)
    tuned = time.monotonic()
    scores = peer.fitted(recommender, choice, questions)
    fitted = time.monotonic()
    top, filled = peer.top_lists(scores, questions, k)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    rounds = {} if choice.rounds in {None, 1} else {"rounds": choice.rounds}
    lists = exchange.Lists(
        top,
        filled,
        {**choice.parameters, **rounds},
        round(tuned - started, 2),
        round(fitted - tuned, 2),
        round(usage.ru_utime + usage.ru_stime, 2),
        peak_memory.megabytes(),
    )
    exchange.answer(folder, lists)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
