"""Peers beside the trainer: the table of a benchmark, and all of it on random hold-outs without times."""

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from app.entry.offline import against
from app.entry.offline.against import PeerFailed
from app.entry.offline.peers import catalog
from app.recommender.fit.evaluation import beyond_accuracy, holdouts, questions
from app.recommender.fit.evaluation.metrics import Judged
from app.recommender.fit.evaluation.questions import Exam
from app.recommender.fit.interactions import Interactions, gather
from tests.support import datasets
from tests.support.builders import an_event

K = 20
SECONDS = 300.0
"""CPU seconds in which each peer may choose its parameters."""
SPLIT_SEED, VALIDATION_SEED = 17, 1
WITHOUT_TIMES = "serendip,popular,co-occurrence,rp3beta,ease,local-ridge,als,bpr,item-knn"
OURS = "serendip"


class Rows:
    """Prints a row for each model, with its difference from a baseline, and its time as a multiple of the trainer's."""

    def __init__(self, exam: Exam, baseline: Judged | None, name: str) -> None:
        self._exam, self._baseline, self._name = exam, baseline, name
        self._cpu_seconds = 0.0

    def compare(self, names: str, validation: Exam) -> None:
        """Runs peers, the trainer first; `PEERS=popular,ease` in the environment runs the trainer and those alone."""
        names = os.environ.get("PEERS", names)
        chosen = catalog.named(names) if names else []
        ordered = [OURS, *(name for name in chosen if name != OURS)]
        against.check_installed(ordered)
        for name, lists in against.compared(ordered, validation, self._exam, K, lambda *_: None, SECONDS):
            if isinstance(lists, PeerFailed):
                print(f"    {name:16} {lists}", flush=True)
                continue
            judged = against.judged(lists, self._exam)
            if name == OURS:
                self._cpu_seconds = lists.cpu_seconds
                self._baseline = self._baseline or judged
            times = f" = {lists.cpu_seconds / self._cpu_seconds:.1f} x" if self._cpu_seconds else ""
            costs = (
                f"CPU {lists.cpu_seconds:.0f} s{times} (fit {lists.fit_seconds:.1f} s), {lists.peak_memory_mb:,.0f} MB"
            )
            self.show(name, judged, lists.seconds, f", {costs}, {lists.parameters}")

    def show(self, name: str, judged: Judged, seconds: float, more: str = "") -> None:
        quality, (low, high) = judged.quality(), beyond_accuracy.interval(judged.ndcg)
        compared = ""
        if self._baseline is not None:
            bounds = beyond_accuracy.interval(judged.ndcg - self._baseline.ndcg)
            ratio = quality.ndcg / self._baseline.quality().ndcg - 1
            compared = f"{ratio:+.1%} [{bounds[0]:+.4f}, {bounds[1]:+.4f}] over {self._name}, "
        print(
            f"    {name:16} NDCG {quality.ndcg:.4f} [{low:.4f}, {high:.4f}], recall {quality.recall:.4f}, "
            f"coverage {quality.coverage:.3f}, {compared}{seconds:.0f} s{more}",
            flush=True,
        )


def run() -> None:
    print(
        f"\nPeers: NDCG@{K}, random fifth held out, seed {SPLIT_SEED}, no times, unseen items; the parameters of each "
        f"are chosen on a random fifth of the rest (seed {VALIDATION_SEED}; the trainer's own seed is 0), within "
        f"{SECONDS:.0f} CPU seconds"
    )
    for name, interactions in _without_times():
        exam = questions.of_kind(interactions, holdouts.RANDOM, SPLIT_SEED)
        train = exam.questions.training
        validation = questions.of_kind(train, holdouts.RANDOM, VALIDATION_SEED)
        print(f"  {name}, {len(exam.rows):,} users, {len(train.item_ids):,} items, {len(train):,} interactions")
        Rows(exam, None, OURS).compare(WITHOUT_TIMES, validation)


def _without_times() -> Iterator[tuple[str, Interactions]]:
    if datasets.MOVIETWEETINGS.exists():
        yield "MovieTweetings whole", _gathered(datasets.movietweetings_whole())
    for name, rows in datasets.present():
        yield name, _gathered(rows)


def _gathered(rows: list[datasets.Interaction]) -> Interactions:
    interactions = gather(an_event(user, item) for user, item, _ in rows)
    return replace(interactions, times=np.zeros(len(interactions)))
