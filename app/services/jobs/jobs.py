"""Jobs: create them, hand them to a worker, and keep them consistent while workers come and go.

One worker at a time acquires a job. It moves the job's checkpoint by conditional writes; if it is killed, its lease
runs out and another worker resumes from the checkpoint. Repeating a step has the same effect as doing it once.

Before a worker is launched, the job is marked as starting, by a conditional write. No other worker is launched for it
until that worker has had time to start, however many processes look for abandoned jobs, and however often.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from app import telemetry
from app.clock import Clock
from app.domain.jobs import (
    FIRST_CHECKPOINTS,
    KINDS,
    Checkpoint,
    DeletionRequest,
    ErasureRequest,
    ImportCheckpoint,
    ImportRequest,
    Job,
    JobKind,
    JobRequest,
    JobState,
    TrainingRequest,
)
from app.domain.paging import Page
from app.errors import Conflict, NotFound, WorkerUnavailable
from app.services.jobs.files import READ_FILES, JobFiles, upload_name
from app.services.jobs.training_room import TrainingRoom
from app.services.preconditions import retried
from app.storage.jobs import JobStore
from app.storage.objects import FileStore

LEASE = timedelta(minutes=2)
"""A worker without a heartbeat for this long is considered killed."""
STARTING = timedelta(minutes=2)
"""A launched worker that has not acquired its job after this long has failed to start."""
MAX_ATTEMPTS = 5
"""A job that is acquired more often without reaching its next checkpoint has failed."""
NEED_FILES = READ_FILES | {JobKind.EXPORT}
NAME_USERS = {JobKind.DELETION, JobKind.UNDO}
"""The checkpoints of these jobs name users."""


class Jobs(JobFiles):
    def __init__(
        self,
        store: JobStore,
        objects: FileStore | None,
        launch: Callable[[str, Job], None],
        clock: Clock,
        random_hex: Callable[[int], str],
        most_trainings: int,
    ) -> None:
        """`launch` starts a worker for a project's job, or raises WorkerUnavailable."""
        super().__init__(objects)
        self._store, self._launch = store, launch
        self._clock, self._random_hex = clock, random_hex
        self._room = TrainingRoom(store, most_trainings, clock, self._is_in_progress)

    def get(self, project: str, job_id: str) -> Job:
        """Raises NotFound."""
        job = self._store.get(project, job_id)
        if job is None:
            raise NotFound("There is no such job.")
        return job

    def list_page(self, project: str, start: str | None, limit: int, kind: JobKind | None = None) -> Page[Job]:
        """Newest first. A page of one kind can be short, or empty, and still have a next one."""
        return self._store.list_page(project, start, limit, kind)

    def create(self, project: str, request: JobRequest, *, launched: bool = True, can_wait: bool = False) -> Job:
        """Creates a job and launches it, unless the caller works on it; an import waits for a file of its own first.

        A training that can wait does so while as many run as may: `resume_due` launches it.

        Raises:
            NotFound: the job whose file is to be read does not exist.
            Conflict: that job has no file.
            WorkerUnavailable: no worker can be started; the job is deleted again.
        """
        kind = KINDS[type(request)]
        if kind in NEED_FILES:
            _ = self.objects  # raises WorkerUnavailable
        now = self._clock.now()
        job_id = self._new_id(now)
        checkpoint, waits = FIRST_CHECKPOINTS[kind], kind in READ_FILES
        if isinstance(request, ImportRequest) and request.file_of is not None:
            request, size = self._with_file(project, request, request.file_of)
            checkpoint, waits = ImportCheckpoint(size=size), False
        state = JobState.WAITING if waits else JobState.RUNNING
        has_to_wait = can_wait and self._room.left(self._store.running()) <= 0
        starting_until = now + STARTING if state is JobState.RUNNING and not has_to_wait else None
        job = Job(job_id, state, now, now, request, checkpoint, starting_until=starting_until)
        try:
            self._store.create(project, job)
        except Conflict:  # the request was repeated after its first attempt was killed at this point
            job = self.get(project, job_id)
        if launched and not has_to_wait and job.state is JobState.RUNNING:
            try:
                self._start(project, job)
            except WorkerUnavailable:
                self._store.delete(project, job_id)
                raise
        return job

    def record(self, project: str, request: JobRequest, checkpoint: Checkpoint, detail: str) -> Job:
        """Stores a job that the caller does by itself as failed, with the reason that holds if the caller is killed."""
        now = self._clock.now()
        job = Job(self._new_id(now), JobState.FAILED, now, now, request, checkpoint, detail=detail, ended_at=now)
        self._store.create(project, job)
        return job

    def record_end(self, project: str, job: Job, recorded: Job) -> None:
        """Stores how a recorded job ended."""
        now = self._clock.now()
        self._store.replace(project, replace(job, progress=1.0, heartbeat_at=now, ended_at=now), recorded)

    def begin(self, project: str, job_id: str) -> Job:
        """Starts an import whose file was uploaded.

        Raises:
            NotFound: there is no such job.
            Conflict: the job is not waiting, or its file was not uploaded.
            WorkerUnavailable: no worker can be started; the job still waits.
        """
        job = self.get(project, job_id)
        if job.state is not JobState.WAITING:
            raise Conflict(f"The job is {job.state.value}; only a waiting job can be started.")
        size = self.objects.size(upload_name(project, job))
        if size is None:
            raise Conflict("The file has not been uploaded yet: PUT it to the job's upload URL first.")
        checkpoint, now = ImportCheckpoint(size=size), self._clock.now()
        running = replace(
            job, state=JobState.RUNNING, checkpoint=checkpoint, heartbeat_at=now, starting_until=now + STARTING
        )
        self._store.replace(project, running, job)
        try:
            self._start(project, running)
        except WorkerUnavailable:
            self._store.replace(project, job, running)
            raise
        return running

    def cancel(self, project: str, job_id: str) -> Job:
        """Ends a job. Its worker notices at its next step; finished steps are not undone.

        Raises:
            NotFound: there is no such job.
            Conflict: the job has already ended, or reached its next checkpoint during each of five attempts.
        """

        def end() -> tuple[Job, Job]:
            job = self.get(project, job_id)
            if not job.state.is_open:
                return job, job
            return job, self._replace(project, self._ended(job, JobState.CANCELLED, "Cancelled."), job)

        before, ended = retried(end)
        if not before.state.is_open:
            raise Conflict(f"The job has already ended ({before.state.value}).")
        return ended

    def acquire(self, project: str, job_id: str) -> Job | None:
        """Acquires a job. None if it has ended, or another worker has acquired it."""
        job = self._store.get(project, job_id)
        if job is None or job.state is not JobState.RUNNING or self._is_leased(job):
            return None
        if job.attempts >= MAX_ATTEMPTS:
            failed = self._ended(job, JobState.FAILED, f"Gave up after {MAX_ATTEMPTS} attempts at the same checkpoint.")
            self._replace(project, failed, job)
            return None
        owner = self._random_hex(8)
        acquired = replace(
            job,
            lease_owner=owner,
            attempts=job.attempts + 1,
            revision=job.revision + 1,
            heartbeat_at=self._clock.now(),
            starting_until=None,
        )
        try:
            return self._replace(project, acquired, job)
        except Conflict:  # another worker was faster, or the response to our own first attempt was lost
            stored = self._store.get(project, job_id)
            return stored if stored is not None and stored.lease_owner == owner else None

    def checkpoint(self, project: str, job: Job, before: Job) -> Job:
        """Stores the result of a step. Raises Conflict if the job was cancelled or another worker acquired it."""
        if job.state is JobState.RUNNING:
            return self._replace(project, replace(job, attempts=0, heartbeat_at=self._clock.now()), before)
        return self._replace(project, self._ended(job, job.state, job.detail), before)

    def release(self, project: str, job: Job, starting: timedelta | None = None) -> None:
        """Lets another worker acquire the job at once; `starting` is how long that worker may take to start, if any.

        Raises Conflict as `checkpoint` does.
        """
        self._store.release(project, job, self._clock.now() + starting if starting else None)

    def heartbeat(self, project: str, job: Job, progress: float) -> None:
        """Extends the lease during a long step. Raises Conflict as `checkpoint` does."""
        self._store.heartbeat(project, job, progress, self._clock.now())

    def resume_due(self) -> int:
        """Launches workers for running jobs whose worker stopped or did not start, or that wait; returns how many.

        Each job is marked as starting first, so that of all processes that call this, one launches one worker.
        Trainings are launched while there is room.
        """
        resumed, jobs = 0, [*self._store.running()]
        room = self._room.left(jobs)
        for project, job in jobs:
            if self._is_in_progress(job):
                continue
            is_training = isinstance(job.request, TrainingRequest)
            if is_training and room <= 0:
                continue
            until = self._clock.now() + STARTING
            starting = replace(job, lease_owner="", revision=job.revision + 1, starting_until=until)
            try:
                self._start(project, self._replace(project, starting, job))
            except Conflict:  # another process was faster, or the worker is alive after all
                continue
            except WorkerUnavailable as error:  # tried again when the mark ends; other jobs are not held up
                telemetry.log_failure(telemetry.current(), error)
                continue
            resumed += 1
            room -= is_training
        return resumed

    def _start(self, project: str, job: Job) -> None:
        self._launch(project, job)
        self._room.note(project, job)

    def _with_file(self, project: str, request: ImportRequest, job_id: str) -> tuple[ImportRequest, int]:
        """Returns a request that reads the file of another job, and the size of the file.

        Raises:
            NotFound: there is no such job.
            Conflict: it has no file.
        """
        source = self.get(project, job_id)
        size = self.objects.size(upload_name(project, source)) if source.kind in READ_FILES else None
        if size is None:
            raise Conflict(f"Job {job_id} has no uploaded file (files are deleted after a week). Upload it again.")
        assert isinstance(source.request, ImportRequest)  # noqa: S101 - jobs that read files
        name = request.file_name or source.request.file_name
        return replace(request, file_of=source.request.file_of or job_id, file_name=name), size

    def _new_id(self, now: datetime) -> str:
        return f"j{now:%Y%m%dT%H%M%S%f}-{self._random_hex(2)}"

    def _is_in_progress(self, job: Job) -> bool:
        """Whether a worker runs the job or is about to. A training that waits has never had one."""
        waits = isinstance(job.request, TrainingRequest) and not job.attempts and not job.lease_owner
        return job.state is JobState.RUNNING and (self._is_starting(job) or (self._has_heartbeat(job) and not waits))

    def _is_leased(self, job: Job) -> bool:
        return bool(job.lease_owner) and self._has_heartbeat(job)

    def _is_starting(self, job: Job) -> bool:
        return job.starting_until is not None and self._clock.now() <= job.starting_until

    def _has_heartbeat(self, job: Job) -> bool:
        """Whether the last heartbeat is recent, or as little in the future as clocks differ."""
        return abs(self._clock.now() - job.heartbeat_at) <= LEASE

    def _ended(self, job: Job, state: JobState, detail: str | None) -> Job:
        now = self._clock.now()
        return replace(
            job,
            state=state,
            detail=detail,
            progress=1.0 if state is JobState.SUCCEEDED else job.progress,
            request=_without_user(job.request),
            checkpoint=FIRST_CHECKPOINTS[job.kind] if job.kind in NAME_USERS else job.checkpoint,
            ended_at=now,
            heartbeat_at=now,
            lease_owner="",
            starting_until=None,
        )

    def _replace(self, project: str, job: Job, before: Job) -> Job:
        self._store.replace(project, job, before)
        return job


def _without_user(request: JobRequest) -> JobRequest:
    if isinstance(request, ErasureRequest):
        return ErasureRequest()
    if isinstance(request, DeletionRequest):
        user_id, session_id = (None if name is None else "" for name in (request.user_id, request.session_id))
        return replace(request, user_id=user_id, session_id=session_id)
    return request
