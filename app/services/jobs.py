"""Jobs: made, handed to a worker, and kept true while workers come and go.

One worker holds a job at a time. He moves its checkpoint by conditional writes; when he is killed, his hold ends after
`HOLD` and another one goes on from the checkpoint. What a step does is the same if it is done twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app import telemetry
from app.domain.jobs import Job, JobKind, JobState, StoredFile
from app.domain.paging import Page
from app.errors import Conflict, NotFound, WorkerUnavailable
from app.storage.jobs import JobStore as Store
from app.storage.objects import GET, PUT, FileStore

HOLD = timedelta(minutes=2)
"""After so long without a sign of life a worker is taken for killed."""
MAX_ATTEMPTS = 5
"""So often a job is begun again at one place; then it has failed."""
UPLOAD = "upload"
URL_SECONDS = 3_600
NEED_FILES = {JobKind.IMPORT, JobKind.EXPORT}
NO_FILES = "This deployment has no place for files (SERENDIP_FILES)."


class Jobs:
    def __init__(
        self,
        store: Store,
        objects: FileStore | None,
        launch: Callable[[str, Job], None],
        clock: Callable[[], datetime],
        random_hex: Callable[[int], str],
    ) -> None:
        """`launch` has a worker begin with a job of a project somewhere else; it raises WorkerUnavailable."""
        self._store, self._objects, self._launch = store, objects, launch
        self._clock, self._random_hex = clock, random_hex

    @property
    def objects(self) -> FileStore:
        """Raises WorkerUnavailable where there is no place for files."""
        if self._objects is None:
            raise WorkerUnavailable(NO_FILES)
        return self._objects

    def get(self, project: str, job_id: str) -> Job:
        """Raises NotFound."""
        found = self._store.get(project, job_id)
        if found is None:
            raise NotFound("There is no such job.")
        return found

    def list_page(self, project: str, start: str | None, limit: int) -> Page[Job]:
        """Newest first."""
        return self._store.list_page(project, start, limit)

    def create(self, project: str, kind: JobKind, request: Mapping[str, Any]) -> Job:
        """Make a job, and have it done; an import waits for its file.

        Raises:
            WorkerUnavailable: nobody would do it; nothing is left of it.
        """
        if kind in NEED_FILES and self._objects is None:
            raise WorkerUnavailable(NO_FILES)
        now = self._clock()
        job_id = f"j{now:%Y%m%dT%H%M%S%f}-{self._random_hex(2)}"
        state = JobState.WAITING if kind is JobKind.IMPORT else JobState.RUNNING
        job = Job(job_id, kind, state, now, now, request)
        try:
            self._store.create(project, job)
        except Conflict:  # a repeated request, which was killed after this
            job = self.get(project, job_id)
        if job.state is JobState.RUNNING:
            try:
                self._launch(project, job)
            except WorkerUnavailable:
                self._store.delete(project, job_id)
                raise
        return job

    def begin(self, project: str, job_id: str) -> Job:
        """Begin an import whose file has come.

        Raises:
            NotFound, Conflict: it has begun, or the file has not come; WorkerUnavailable.
        """
        job = self.get(project, job_id)
        if job.state is not JobState.WAITING:
            raise Conflict(f"The job is {job.state.value}; only a waiting one can be started.")
        size = self.objects.size(file_name(project, job, UPLOAD))
        if size is None:
            raise Conflict("The file has not been uploaded yet: PUT it to the job's upload URL first.")
        begun = replace(job, state=JobState.RUNNING, place={"size": size}, heartbeat_at=self._clock())
        self._store.replace(project, begun, job)
        try:
            self._launch(project, begun)
        except WorkerUnavailable:
            self._store.replace(project, job, begun)
            raise
        return begun

    def cancel(self, project: str, job_id: str) -> Job:
        """End a job; who works on it notices with his next step. What was done stays done.

        Raises:
            NotFound, and Conflict where it has ended.
        """
        while True:
            job = self.get(project, job_id)
            if not job.state.is_open:
                raise Conflict(f"The job is {job.state.value} already.")
            try:
                return self._replace(project, self._ended(job, JobState.CANCELLED, "Cancelled."), job)
            except Conflict:  # it went on meanwhile: look again
                continue

    def take(self, project: str, job_id: str) -> Job | None:
        """Hold a job from now on; None where it has ended, or another worker holds it."""
        job = self._store.get(project, job_id)
        if job is None or job.state is not JobState.RUNNING or self._is_held(job):
            return None
        if job.attempts >= MAX_ATTEMPTS:
            gave_up = self._ended(job, JobState.FAILED, f"Gave up after {MAX_ATTEMPTS} attempts at the same place.")
            self._replace(project, gave_up, job)
            return None
        holder, attempts, revision = self._random_hex(8), job.attempts + 1, job.revision + 1
        taken = replace(job, holder=holder, attempts=attempts, revision=revision, heartbeat_at=self._clock())
        try:
            return self._replace(project, taken, job)
        except Conflict:  # another worker was faster, or the answer to our own first try was lost
            found = self._store.get(project, job_id)
            return found if found is not None and found.holder == holder else None

    def checkpoint(self, project: str, reached: Job, before: Job) -> Job:
        """Write down what a step reached, maybe the end (Conflict: cancelled, or another worker holds it)."""
        if reached.state is JobState.RUNNING:
            return self._replace(project, replace(reached, attempts=0, heartbeat_at=self._clock()), before)
        return self._replace(project, self._ended(reached, reached.state, reached.detail), before)

    def let_go(self, project: str, job: Job) -> None:
        """Hold it no longer, so that another worker can go on at once (Conflict: as for a checkpoint)."""
        self._store.let_go(project, job)

    def beat(self, project: str, job: Job, progress: float) -> None:
        """Show that a long step lives (Conflict: as for a checkpoint)."""
        self._store.beat(project, job, progress, self._clock())

    def resume_due(self) -> int:
        """Have those gone on with that nobody works on any more; returns how many."""
        resumed = 0
        for project, job in self._store.running():
            if self._lives(job):
                continue
            try:
                self._launch(project, job)
            except WorkerUnavailable as error:  # the next time then; and the others now
                telemetry.tell_failure(telemetry.current(), error)
                continue
            resumed += 1
        return resumed

    def upload_url(self, project: str, job: Job) -> str | None:
        """Where the file of a waiting import goes."""
        if job.kind is not JobKind.IMPORT or job.state is not JobState.WAITING:
            return None
        return self.objects.url(PUT, file_name(project, job, UPLOAD), URL_SECONDS)

    def files(self, project: str, job: Job, start: str | None, limit: int) -> Page[tuple[StoredFile, str]]:
        """What a job made, each with a URL; without what it was given."""
        folder = file_name(project, job, "")
        page = self.objects.list_page(folder, folder + start if start else None, limit)
        made = tuple(
            (replace(one, name=one.name.removeprefix(folder)), self.objects.url(GET, one.name, URL_SECONDS))
            for one in page.records
            if one.name != folder + UPLOAD
        )
        return Page(made, page.next_start.removeprefix(folder) if page.next_start else None)

    def _is_held(self, job: Job) -> bool:
        return bool(job.holder) and self._lives(job)

    def _lives(self, job: Job) -> bool:
        return self._clock() - job.heartbeat_at <= HOLD

    def _ended(self, job: Job, state: JobState, detail: str | None) -> Job:
        now = self._clock()
        progress = 1.0 if state is JobState.SUCCEEDED else job.progress
        request = {} if job.kind is JobKind.ERASURE else job.request  # the erased user is named nowhere
        return replace(
            job,
            state=state,
            detail=detail,
            progress=progress,
            request=request,
            ended_at=now,
            heartbeat_at=now,
            holder="",
        )

    def _replace(self, project: str, job: Job, before: Job) -> Job:
        self._store.replace(project, job, before)
        return job


def folder_of(project: str) -> str:
    """Where all files of a project are; its id may be made of dots, which alone would mean another place."""
    return f"of-{project}/"


def file_name(project: str, job: Job, name: str) -> str:
    return f"{folder_of(project)}{job.job_id}/{name}"
