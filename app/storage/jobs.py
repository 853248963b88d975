"""Store jobs, one row each. Only the worker with the current revision changes a job; it is kept for 30 days after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import JSONAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from app.domain.jobs import FIRST_CHECKPOINTS, KINDS, Checkpoint, Job, JobKind, JobRequest, JobState
from app.domain.paging import Page
from app.storage.attributes import TimestampAttribute, decoded, instant, text
from app.storage.database import Database, Raw
from app.storage.table import Table, moment

OPEN = "open"
KEPT = timedelta(days=30)
RECORDS: Mapping[JobKind, tuple[type[JobRequest], type[Checkpoint]]] = {
    kind: (request, type(FIRST_CHECKPOINTS[kind])) for request, kind in KINDS.items()
}
"""The request and checkpoint of each kind of job, which its row stores as JSON."""


class OpenIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """The running jobs of all projects. A row enters the index once and leaves it once."""

    class Meta:
        index_name = OPEN
        projection = KeysOnlyProjection()

    open = UnicodeAttribute(hash_key=True)


class JobRow(Model):
    class Meta:
        table_name = "jobs"

    project = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)
    kind = UnicodeAttribute()
    state = UnicodeAttribute()
    created_at = TimestampAttribute()
    heartbeat_at = TimestampAttribute()
    facts = JSONAttribute()
    """Request, checkpoint and counts."""
    progress = NumberAttribute()
    detail = UnicodeAttribute(null=True)
    ended_at = TimestampAttribute(null=True)
    lease_owner = UnicodeAttribute()
    attempts = NumberAttribute()
    revision = NumberAttribute()
    starting_until = TimestampAttribute(null=True)
    open = UnicodeAttribute(null=True)
    expires_at = TTLAttribute()
    by_open = OpenIndex()


class JobStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, JobRow)

    def get(self, project: str, job_id: str) -> Job | None:
        row = self._table.get(project, job_id, consistent=True)
        return _job(row) if row else None

    def create(self, project: str, job: Job) -> None:
        """Stores a new job. Raises Conflict if a job with this id exists."""
        self._table.put(_row(project, job), JobRow.project.does_not_exist())

    def replace(self, project: str, job: Job, expected: Job) -> None:
        """Replaces a job. Raises Conflict unless the stored job has the expected state and revision."""
        same = (JobRow.revision == expected.revision) & (JobRow.state == expected.state.value)
        self._table.put(_row(project, job), same)

    def heartbeat(self, project: str, job: Job, progress: float, now: datetime) -> None:
        """Records a heartbeat. Raises Conflict unless the job runs in this revision."""
        actions = [JobRow.heartbeat_at.set(now), JobRow.progress.set(round(progress, 4))]
        self._update(project, job, actions)

    def release(self, project: str, job: Job, starting_until: datetime | None) -> None:
        """Removes the lease owner. Raises Conflict unless the job runs in this revision."""
        starting = JobRow.starting_until
        marked = starting.set(starting_until) if starting_until else starting.remove()
        self._update(project, job, [JobRow.lease_owner.set(""), marked])

    def _update(self, project: str, job: Job, actions: Sequence[Action]) -> None:
        running = (JobRow.revision == job.revision) & (JobRow.state == JobState.RUNNING.value)
        self._table.update(project, job.job_id, actions, running)

    def delete(self, project: str, job_id: str) -> None:
        self._table.write_many([], [self._table.key(project, job_id)])

    def list_page(self, project: str, start: str | None, limit: int, kind: JobKind | None = None) -> Page[Job]:
        """Returns the jobs of a kind among the next `limit` ones of a project, newest first."""
        rows, more = self._table.query(
            project,
            limit=limit,
            newest_first=True,
            consistent=True,
            start=self._table.key(project, start) if start else None,
        )
        jobs = tuple(_job(row) for row in rows if kind in {None, row["kind"]["S"]})
        return Page(jobs, rows[-1]["job_id"]["S"] if more and rows else None)

    def running(self) -> Iterator[tuple[str, Job]]:
        """Yields the running jobs of all projects, each with its project."""
        for row in self._table.query_all(OPEN, index=OPEN):
            project = row["project"]["S"]
            job = self.get(project, row["job_id"]["S"])
            if job is not None and job.state is JobState.RUNNING:
                yield project, job


def _row(project: str, job: Job) -> JobRow:
    return JobRow(
        project=project,
        job_id=job.job_id,
        kind=job.kind.value,
        state=job.state.value,
        created_at=job.created_at,
        heartbeat_at=job.heartbeat_at,
        facts={"request": asdict(job.request), "checkpoint": asdict(job.checkpoint), "counts": dict(job.counts)},
        progress=round(job.progress, 4),
        detail=job.detail,
        ended_at=job.ended_at,
        lease_owner=job.lease_owner,
        attempts=job.attempts,
        revision=job.revision,
        starting_until=job.starting_until,
        open=OPEN if job.state is JobState.RUNNING else None,
        expires_at=job.heartbeat_at + KEPT,
    )


def _job(row: Raw) -> Job:
    facts = _current(decoded(row, "facts"))
    request, checkpoint = RECORDS[JobKind(row["kind"]["S"])]
    return Job(
        job_id=row["job_id"]["S"],
        state=JobState(row["state"]["S"]),
        created_at=moment(row["created_at"]["S"]),
        heartbeat_at=moment(row["heartbeat_at"]["S"]),
        request=request(**facts["request"]),
        checkpoint=checkpoint(**facts["checkpoint"]),
        counts=facts["counts"],
        progress=float(row["progress"]["N"]),
        detail=text(row, "detail"),
        ended_at=instant(row, "ended_at"),
        lease_owner=row["lease_owner"]["S"],
        attempts=int(row["attempts"]["N"]),
        revision=int(row["revision"]["N"]),
        starting_until=instant(row, "starting_until"),
    )


def _current(facts: dict[str, Any]) -> dict[str, Any]:
    """Returns the facts of a job as of now; an import up to 0.7 mapped columns to fields, and kept the header."""
    if "header" in facts["checkpoint"]:
        del facts["checkpoint"]["header"]
        columns = facts["request"]["columns"]
        facts["request"]["columns"] = {ours: theirs for theirs, ours in columns.items()}
    return facts
