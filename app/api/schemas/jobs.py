"""The bodies of jobs."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from app.api.schemas.fields import Body, View
from app.api.schemas.imports import ImportIn, ImportSummary, Kind, PreviewIn, PreviewView
from app.api.schemas.models.versions import TrainingIn
from app.api.schemas.owners import Owner
from app.domain.jobs import JobKind, JobState


class ExportIn(Body):
    """Export all items, users and events as files that an import can read."""

    kind: Annotated[Literal["export"], Kind]


class ErasureIn(Owner):
    """Erase a user or a session with any number of events."""

    kind: Annotated[Literal["erasure"], Kind]


class TrainingJobIn(TrainingIn):
    kind: Annotated[Literal["training"], Kind]


JobIn = Annotated[ImportIn | PreviewIn | ExportIn | ErasureIn | TrainingJobIn, Field(discriminator="kind")]


class JobView(View):
    job_id: Annotated[str, Field(description="The id of the job.", examples=["j20261126T101500123456-a1b2"])]
    kind: Annotated[JobKind, Field(description="The kind of the job.", examples=["export"])]
    state: Annotated[JobState, Field(description="The state of the job.", examples=["running"])]
    progress: Annotated[float, Field(description="The progress from 0 to 1, if it can be estimated.")]
    counts: Annotated[dict[str, int], Field(description="Records by kind.")]
    detail: Annotated[str | None, Field(description="Why the job failed, or a note.")]
    created_at: Annotated[
        datetime, Field(description="The time when the job was created.", examples=["2026-11-24T10:15:00Z"])
    ]
    heartbeat_at: Annotated[datetime, Field(description="The time of the last sign of life.")]
    ended_at: Annotated[
        datetime | None, Field(description="The time when the job ended.", examples=["2026-11-24T10:15:00Z"])
    ]
    request: Annotated[
        dict[str, Any],
        BeforeValidator(asdict),
        Field(description="The request; empty for an erasure, so that it does not name the user."),
    ]
    version: Annotated[str | None, Field(description="The version of a training.")] = None
    import_id: Annotated[
        str | None, Field(description="The id with which `DELETE /v1/imports/{id}` takes back what an import added.")
    ] = None
    receipt_id: Annotated[str | None, Field(description="The receipt of an erasure.")] = None
    summary: Annotated[
        ImportSummary | None, Field(description="What an import did with the rows of its file so far.")
    ] = None
    preview: Annotated[
        PreviewView | None,
        Field(description="What a preview shows, for a week; null in lists of jobs."),
    ] = None
    upload_url: Annotated[
        str | None,
        Field(
            description="The URL to PUT the file of a waiting import or preview to, within an hour and without "
            "credentials; only for admin keys."
        ),
    ] = None


class JobPage(BaseModel):
    jobs: Annotated[list[JobView], Field(description="The jobs, newest first.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]


class JobFile(BaseModel):
    name: Annotated[str, Field(description="The name of the file.", examples=["items-0001.jsonl"])]
    bytes: Annotated[int, Field(description="The size in bytes.", examples=[18204])]
    url: Annotated[str, Field(description="The URL of the file, valid for an hour without credentials.")]


class JobFiles(BaseModel):
    files: Annotated[list[JobFile], Field(description="The files.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]
