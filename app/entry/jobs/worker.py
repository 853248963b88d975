"""Runs jobs step by step, in whichever process has the time; each step ends with a checkpoint."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Protocol, assert_never

from app.deadline import patient, within
from app.domain.jobs import (
    DeletionRequest,
    ErasureCheckpoint,
    ErasureRequest,
    ExportRequest,
    ImportRequest,
    Job,
    JobState,
    PreviewRequest,
    TrainingCheckpoint,
    TrainingRequest,
    UndoRequest,
)
from app.entry.files.rows import FileError
from app.entry.jobs import deletions, exports, previews, undo
from app.entry.jobs.imports import ImportSteps
from app.errors import Cancelled, Conflict, OutOfTime, SerendipError, TrainingTooSlow, Unavailable
from app.heartbeat import beating
from app.services.bundle import Services

SPARE_SECONDS = 60.0
"""No further step is started with less time left."""
TRAINING_SPARE_SECONDS = 20.0
"""A training gives up with less time left, so that it can still report why."""
ERASING_SECONDS = 10.0
HEARTBEAT_SECONDS = 30.0
REPORT_SECONDS = 1.0
READ_SECONDS = 10.0
"""How long a job waits for a response of the database; no client waits for it."""
TASK_STARTING = timedelta(minutes=10)
"""A container task that has not acquired its training after this long has failed to start; ECS takes minutes."""
MAX_MOVES = 3
"""A training that is moved to a container task more often has failed."""
TOO_SLOW = (
    "The training needs more time than the worker function has. Give it more memory, which is more CPU as well, or "
    "train as a container task or on Spark (see the guides)."
)

Remaining = Callable[[], float]
"""Seconds until this process has to end."""
Move = Callable[[str, Job], None]
"""Starts a project's training in a process with more time and memory."""


class JobReport(Protocol):
    def __call__(self, progress: float, /) -> None:
        """Reports the progress of a step, from 0 to 1.

        Raises:
            Cancelled: the job was cancelled.
        """


def work(
    services: Services,
    project: str,
    job_id: str,
    remaining: Remaining = lambda: math.inf,
    move: Move | None = None,
) -> Job | None:
    """Acquires a job and works on it until it has ended, or too little time is left for another step.

    A training that runs out of time, or that was killed in this process before, is moved.

    Returns:
        The job. If it is still running, call again to resume it. None if it has ended or moved, or another worker
        holds it.

    Raises:
        Unavailable, and whatever else a step did not expect: the job is resumed later.
    """
    with patient(READ_SECONDS):
        job = services.jobs.acquire(project, job_id)
        if job is None:
            return None
        try:
            return _run(services, project, job, remaining, move)
        except Conflict:  # the job was cancelled, or another worker acquired it
            return None
        except Exception:
            with suppress(Conflict, Unavailable):  # then the lease runs out
                services.jobs.release(project, job)
            raise


def _run(services: Services, project: str, job: Job, remaining: Remaining, move: Move | None) -> Job | None:
    """Runs an acquired job. Raises Conflict if it was lost."""
    if move is not None and _is_too_large(job):
        _move(services, project, job, move)
        return None
    imports = ImportSteps(services, project)
    while job.state is JobState.RUNNING:
        try:
            job = _next(services, project, job, imports, remaining, can_move=move is not None)
        except OutOfTime:
            assert move is not None  # noqa: S101 - otherwise it is not raised
            _move(services, project, job, move)
            return None
        if job.state is JobState.RUNNING and remaining() < SPARE_SECONDS:
            services.jobs.release(project, job)
            return job
    return job


def _is_too_large(job: Job) -> bool:
    """Whether a training has killed a worker or been moved before."""
    return isinstance(job.checkpoint, TrainingCheckpoint) and (job.attempts > 1 or job.checkpoint.moves > 0)


def _move(services: Services, project: str, job: Job, move: Move) -> None:
    """Raises Conflict if the job was lost, WorkerUnavailable if the new process cannot be started."""
    assert isinstance(job.checkpoint, TrainingCheckpoint)  # noqa: S101 - only trainings move
    moves = job.checkpoint.moves + 1
    if moves > MAX_MOVES:
        failed = replace(job, state=JobState.FAILED, detail=f"Gave up after {MAX_MOVES} container tasks.")
        services.jobs.checkpoint(project, failed, job)
        return
    moved = services.jobs.checkpoint(project, replace(job, checkpoint=TrainingCheckpoint(moves)), job)
    services.jobs.release(project, moved, TASK_STARTING)
    move(project, moved)


def _next(
    services: Services, project: str, job: Job, imports: ImportSteps, remaining: Remaining, *, can_move: bool
) -> Job:
    """Runs one step. Raises Conflict if the job was lost, OutOfTime if it has to move and can."""

    def check_time() -> None:
        if remaining() < TRAINING_SPARE_SECONDS:
            raise OutOfTime("The training continues in a container task.") if can_move else TrainingTooSlow(TOO_SLOW)

    try:
        with _heartbeats(services, project, job) as report:
            result = _step(services, project, job, imports, report, check_time)
    except Cancelled as cancelled:
        result = replace(job, state=JobState.CANCELLED, detail=cancelled.detail)
    except (Unavailable, OutOfTime):
        raise
    except (FileError, SerendipError) as error:
        result = replace(job, state=JobState.FAILED, detail=str(error))
    return services.jobs.checkpoint(project, result, job)


def _step(  # noqa: PLR0911 - one for each kind
    services: Services,
    project: str,
    job: Job,
    imports: ImportSteps,
    report: JobReport,
    check_time: Callable[[], None],
) -> Job:
    if not services.access.is_active(project):
        raise Cancelled("The project is being deleted.")
    match job.request:
        case PreviewRequest():
            return previews.step(services, project, job)
        case ImportRequest():
            return imports.step(job)
        case ExportRequest():
            return exports.step(services, project, job)
        case ErasureRequest(owner):
            return _erase(services, project, job, owner)
        case DeletionRequest():
            return deletions.step(services, project, job)
        case UndoRequest():
            return undo.step(services, project, job)
        case TrainingRequest():
            return _train(services, project, job, job.request, report, check_time)
        case _:
            assert_never(job.request)


def _erase(services: Services, project: str, job: Job, owner: str) -> Job:
    with within(ERASING_SECONDS):
        receipt = services.erasure.erase_user(project, owner)
    state = JobState.SUCCEEDED if receipt.complete else job.state
    return replace(job, state=state, checkpoint=ErasureCheckpoint(receipt.receipt_id), counts=receipt.removed)


def _train(
    services: Services,
    project: str,
    job: Job,
    request: TrainingRequest,
    report: JobReport,
    check_time: Callable[[], None],
) -> Job:
    def report_phase(_phase: str, progress: float) -> None:
        check_time()
        report(progress)

    version = services.train.get(project, request.version)
    trained = services.train.run(project, version, force=request.force, report=report_phase)
    return replace(job, state=JobState.SUCCEEDED, detail=trained.detail, counts=trained.counts)


@contextmanager
def _heartbeats(services: Services, project: str, job: Job) -> Iterator[JobReport]:
    """Sends heartbeats during a step, even if the step reports nothing."""
    reported_at, progress = monotonic(), job.progress

    def heartbeat() -> None:
        services.jobs.heartbeat(project, job, progress)

    def report(step_progress: float) -> None:
        nonlocal reported_at, progress
        progress = step_progress
        if monotonic() - reported_at < REPORT_SECONDS:
            return
        reported_at = monotonic()
        try:
            heartbeat()
        except Conflict as error:
            raise Cancelled("Cancelled.") from error

    with beating(heartbeat, HEARTBEAT_SECONDS, Conflict, Unavailable):  # the next report or checkpoint raises them
        yield report
