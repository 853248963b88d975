"""The bodies of jobs."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from app.api.schemas.fields import Body, View
from app.api.schemas.models import TrainingIn
from app.api.schemas.owners import Owner
from app.domain.jobs import JobKind, JobState

ColumnName = Annotated[str, Field(min_length=1, max_length=200)]


class ImportIn(Body):
    """Records of a file, which you PUT to the answer's `upload_url` before you start the job."""

    kind: Literal["import"]
    records: Annotated[Literal["events", "items", "users"], Field(description="What the file holds.")]
    format: Annotated[Literal["jsonl", "csv"], Field(description="One JSON object a line, or CSV with a header.")] = (
        "jsonl"
    )
    columns: dict[ColumnName, ColumnName] = Field(
        default_factory=dict,
        max_length=100,
        description="The file's name of a field -> ours.",
        examples=[{"sku": "item_id"}],
    )


class ExportIn(Body):
    """All items, users and events, as files that an import reads."""

    kind: Literal["export"]


class ErasureIn(Owner):
    """What erasing a user or a session does, however much there is."""

    kind: Literal["erasure"]


class TrainingJobIn(TrainingIn):
    kind: Literal["training"]


JobIn = Annotated[ImportIn | ExportIn | ErasureIn | TrainingJobIn, Field(discriminator="kind")]


class JobView(View):
    job_id: str
    kind: JobKind
    state: JobState
    progress: Annotated[float, Field(description="From 0 to 1, as far as it can be known.")]
    counts: Annotated[dict[str, int], Field(description="Records by kind.")]
    detail: Annotated[str | None, Field(description="Why it failed, or what else is to be known.")]
    created_at: datetime
    heartbeat_at: Annotated[datetime, Field(description="When somebody last worked on it.")]
    ended_at: datetime | None
    request: Annotated[
        dict[str, Any],
        BeforeValidator(asdict),
        Field(description="What was requested. Empty for an erasure, which names no user."),
    ]
    version: Annotated[str | None, Field(description="The version that a training makes.")] = None
    receipt_id: Annotated[str | None, Field(description="Of an erasure.")] = None
    upload_url: Annotated[
        str | None, Field(description="PUT the file of a waiting import here, without credentials, within an hour.")
    ] = None


class JobPage(BaseModel):
    jobs: list[JobView]
    next_cursor: str | None


class JobFile(BaseModel):
    name: str
    bytes: int
    url: Annotated[str, Field(description="GET it here, without credentials, within an hour.")]


class JobFiles(BaseModel):
    files: list[JobFile]
    next_cursor: str | None
