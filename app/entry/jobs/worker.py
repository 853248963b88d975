"""Working on jobs, in whatever process has the time: step by step, each written down before the next one begins."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from time import monotonic
from typing import Protocol

from app.deadline import within
from app.domain.jobs import Job, JobKind, JobState
from app.entry.jobs import exports, imports
from app.entry.jobs.file_rows import FileError
from app.errors import Cancelled, Conflict, NotTrainable, OutOfTime, SerendipError, Unavailable
from app.heartbeat import beating
from app.services.bundle import Services

SPARE_SECONDS = 60.0
"""With less time left no other step is begun."""
TRAINING_SPARE_SECONDS = 20.0
"""With less left a training gives up, to be able to say so."""
ERASING_SECONDS = 10.0
BEAT_SECONDS = 30.0
REPORT_SECONDS = 1.0
MOVES = "moves"
MAX_MOVES = 3
"""So often a training is begun elsewhere; then it has failed."""
TOO_SLOW = (
    "The training needs more time than the worker function has. Give it more memory, which is more CPU as well, or "
    "train as a container task or on Spark (see the README)."
)

Remaining = Callable[[], float]
"""Seconds that this process still has."""
Elsewhere = Callable[[str, Job], None]
"""Begins with a project's training where it has more time and memory."""


class Report(Protocol):
    def __call__(self, progress: float, /) -> None:
        """Show how far a step has come.

        Raises:
            Cancelled: nobody wants it any more.
        """


def work(
    services: Services,
    project: str,
    job_id: str,
    remaining: Remaining = lambda: math.inf,
    elsewhere: Elsewhere | None = None,
) -> Job | None:
    """Take a job and work on it until it has ended, or there is too little time left for another step.

    A training that does not fit in here, because time runs out or it was killed in here before, goes on elsewhere.

    Returns:
        The job: one that still runs is to be gone on with by another call. None where it is not, or no longer, ours.

    Raises:
        Unavailable, and whatever a step did not expect: it is begun again later.
    """
    job = services.jobs.take(project, job_id)
    if job is None:
        return None
    try:
        return _worked(services, project, job, remaining, elsewhere)
    except Conflict:  # it was cancelled, or another worker holds it
        return None
    except Exception:
        with suppress(Conflict, Unavailable):  # then the hold ends by itself
            services.jobs.let_go(project, job)
        raise


def _worked(
    services: Services, project: str, job: Job, remaining: Remaining, elsewhere: Elsewhere | None
) -> Job | None:
    """As `work` does, with a job that is ours. Raises Conflict where it no longer is."""
    if elsewhere is not None and _outgrew(job):
        _move(services, project, job, elsewhere)
        return None
    while job.state is JobState.RUNNING:
        try:
            job = _next(services, project, job, remaining, can_move=elsewhere is not None)
        except OutOfTime:
            assert elsewhere is not None  # noqa: S101 - else it is not raised
            _move(services, project, job, elsewhere)
            return None
        if job.state is JobState.RUNNING and remaining() < SPARE_SECONDS:
            services.jobs.let_go(project, job)
            return job
    return job


def _outgrew(job: Job) -> bool:
    return job.kind is JobKind.TRAINING and (job.attempts > 1 or MOVES in job.place)


def _move(services: Services, project: str, job: Job, elsewhere: Elsewhere) -> None:
    """Raises Conflict where the job is no longer ours, WorkerUnavailable where nobody takes it now."""
    moves = int(job.place.get(MOVES, 0)) + 1
    if moves > MAX_MOVES:
        failed = replace(job, state=JobState.FAILED, detail=f"Gave up after {MAX_MOVES} container tasks.")
        services.jobs.checkpoint(project, failed, job)
        return
    moved = services.jobs.checkpoint(project, replace(job, place={**job.place, MOVES: moves}), job)
    services.jobs.let_go(project, moved)
    elsewhere(project, moved)


def _next(services: Services, project: str, job: Job, remaining: Remaining, *, can_move: bool) -> Job:
    """Raises Conflict where the job is no longer ours, OutOfTime where it can be moved and has to."""

    def check_time() -> None:
        if remaining() < TRAINING_SPARE_SECONDS:
            raise OutOfTime("It goes on elsewhere.") if can_move else NotTrainable(TOO_SLOW)

    try:
        with _beating(services, project, job) as report:
            reached = _step(services, project, job, report, check_time)
    except Cancelled as cancelled:
        reached = replace(job, state=JobState.CANCELLED, detail=cancelled.detail)
    except (Unavailable, OutOfTime):
        raise
    except (FileError, SerendipError) as error:
        reached = replace(job, state=JobState.FAILED, detail=str(error))
    return services.jobs.checkpoint(project, reached, job)


def _step(services: Services, project: str, job: Job, report: Report, check_time: Callable[[], None]) -> Job:
    if not services.access.is_active(project):
        raise Cancelled("The project is being deleted.")
    if job.kind is JobKind.IMPORT:
        return imports.step(services, project, job)
    if job.kind is JobKind.EXPORT:
        return exports.step(services, project, job)
    if job.kind is JobKind.ERASURE:
        return _erase(services, project, job)
    return _train(services, project, job, report, check_time)


def _erase(services: Services, project: str, job: Job) -> Job:
    with within(ERASING_SECONDS):
        receipt = services.erasure.erase_user(project, job.request["owner"])
    state = JobState.SUCCEEDED if receipt.complete else job.state
    return replace(job, state=state, place={"receipt_id": receipt.receipt_id}, counts=receipt.removed)


def _train(services: Services, project: str, job: Job, report: Report, check_time: Callable[[], None]) -> Job:
    def reported(_phase: str, progress: float) -> None:
        check_time()
        report(progress)

    version = services.train.get(project, job.request["version"])
    trained = services.train.run(project, version, force=job.request["force"], report=reported)
    return replace(job, state=JobState.SUCCEEDED, detail=trained.detail, counts=trained.counts)


@contextmanager
def _beating(services: Services, project: str, job: Job) -> Iterator[Report]:
    """Show that the step lives, also while it reports nothing."""
    told_at, progress = monotonic(), job.progress

    def beat() -> None:
        services.jobs.beat(project, job, progress)

    def report(reached: float) -> None:
        nonlocal told_at, progress
        progress = reached
        if monotonic() - told_at < REPORT_SECONDS:
            return
        told_at = monotonic()
        try:
            beat()
        except Conflict as error:
            raise Cancelled("Cancelled.") from error

    with beating(beat, BEAT_SECONDS, Conflict, Unavailable):  # the next report, or the checkpoint, tells
        yield report
