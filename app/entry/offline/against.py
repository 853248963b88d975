"""Compares with peers: each runs in a process, and most in an environment, of its own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.entry.errors import SetupError
from app.entry.offline.peers import catalog, exchange
from app.entry.offline.peers.exchange import Lists
from app.recommender.fit.evaluation import metrics
from app.recommender.fit.evaluation.metrics import Judged
from app.recommender.fit.evaluation.questions import Exam
from app.recommender.progress import ReportProgress

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"
BUDGET_SECONDS = 300.0
GRACE = 10
"""A peer is stopped when it has run for this many times its budget, and a minute."""
LAST_CHARACTERS = 1_000


class PeerFailed(Exception):
    """A peer could not be run; the text says why."""


def check_installed(names: Iterable[str], python: Path = PYTHON) -> None:
    """Raises SetupError if the environment that some of the peers need is missing."""
    missing = [name for name in names if name in catalog.IN_ENVIRONMENT]
    if missing and not python.exists():
        raise SetupError(
            f"{', '.join(missing)}: not installed in {python.parents[1]}. Run `make peers` in a checkout of Serendip."
        )


def compared(
    names: Iterable[str],
    validation: Exam,
    test: Exam,
    k: int,
    report: ReportProgress,
    budget_seconds: float,
    python: Path = PYTHON,
) -> Iterator[tuple[str, Lists | PeerFailed]]:
    """Yields the lists of each peer for the questions of `test`, after choosing its parameters on `validation`.

    Args:
        names: peers, as `catalog.named` returns them.
        validation: an exam within the training part of `test`.
        test: the exam; its answers are not shown to the peers.
        k: length of the lists.
        report: called with the name of each peer.
        budget_seconds: CPU seconds in which each peer may choose its parameters; its last fit may exceed them.
        python: the interpreter of the peers' environment.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exchange.write(folder, validation, test)
        for peer in names:
            report(f"running {peer}", 0.0)
            try:
                interpreter = str(python) if peer in catalog.IN_ENVIRONMENT else sys.executable
                yield peer, _lists(interpreter, folder, peer, k, budget_seconds)
            except PeerFailed as failure:
                yield peer, failure


def judged(lists: Lists, exam: Exam) -> Judged:
    """Evaluates the lists of a peer with the metrics of Serendip."""
    return metrics.of_lists(exam.rows, lists.top, lists.filled, exam.held_out)


def _lists(interpreter: str, folder: Path, peer: str, k: int, budget_seconds: float) -> Lists:
    command = [interpreter, "-m", f"{__package__}.peers", str(folder), peer, str(k), str(budget_seconds)]
    limit = GRACE * budget_seconds + 60
    (folder / exchange.LISTS).unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            command, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        raise PeerFailed(f"not done after {limit:.0f} s") from None
    if done.returncode:
        raise PeerFailed(f"ended with {done.returncode}: {done.stderr[-LAST_CHARACTERS:].strip()}")
    return exchange.answered(folder)
