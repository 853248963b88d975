"""Jobs: work that takes longer than one request, done in steps that can be killed at any point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class JobKind(StrEnum):
    IMPORT = "import"
    EXPORT = "export"
    ERASURE = "erasure"
    TRAINING = "training"


class JobState(StrEnum):
    """An import waits for its file, then runs; other jobs run at once. Each ends in one of three states."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        return self in {JobState.WAITING, JobState.RUNNING}


@dataclass(frozen=True, slots=True)
class ImportRequest:
    records: str
    """events, items or users."""
    format: str = "jsonl"
    """jsonl or csv."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The file's column -> our field."""


@dataclass(frozen=True, slots=True)
class ImportCheckpoint:
    """The start of the next slice of the file."""

    size: int = 0
    """Bytes of the whole file."""
    position: int = 0
    """Bytes loaded so far."""
    line: int = 0
    """Lines loaded so far."""
    header: Sequence[str] | None = None
    """The column names of a CSV, once its first line was read."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Exports everything."""


@dataclass(frozen=True, slots=True)
class ExportCheckpoint:
    start: str | None = None
    """The cursor of the next page of records."""
    part: int = 0
    """Files written so far."""


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    owner: str = ""
    """The user or session to erase. Removed when the job ends, so that no job names an erased user."""


@dataclass(frozen=True, slots=True)
class ErasureCheckpoint:
    receipt_id: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    version: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class TrainingCheckpoint:
    moves: int = 0
    """How often the training was moved to a container task."""


JobRequest = ImportRequest | ExportRequest | ErasureRequest | TrainingRequest
Checkpoint = ImportCheckpoint | ExportCheckpoint | ErasureCheckpoint | TrainingCheckpoint

KINDS: Mapping[type[JobRequest], JobKind] = {
    ImportRequest: JobKind.IMPORT,
    ExportRequest: JobKind.EXPORT,
    ErasureRequest: JobKind.ERASURE,
    TrainingRequest: JobKind.TRAINING,
}
FIRST_CHECKPOINTS: Mapping[JobKind, Checkpoint] = {
    JobKind.IMPORT: ImportCheckpoint(),
    JobKind.EXPORT: ExportCheckpoint(),
    JobKind.ERASURE: ErasureCheckpoint(),
    JobKind.TRAINING: TrainingCheckpoint(),
}


@dataclass(frozen=True, slots=True)
class Job:
    """A requested job and its progress."""

    job_id: str
    state: JobState
    created_at: datetime
    heartbeat_at: datetime
    request: JobRequest
    checkpoint: Checkpoint
    """Where the next step begins. Repeating a step from the same checkpoint has the same effect."""
    counts: Mapping[str, int] = field(default_factory=dict)
    progress: float = 0.0
    detail: str | None = None
    ended_at: datetime | None = None
    lease_owner: str = ""
    """The worker that acquired the job and has not released it. Empty if there is none."""
    attempts: int = 0
    """How often the job was acquired since its last checkpoint."""
    revision: int = 0
    """Incremented whenever another worker acquires the job; workers with an older revision have lost it."""
    starting_until: datetime | None = None
    """Until then a worker is presumed to be starting, and no other one is launched. None once it acquired the job."""

    @property
    def kind(self) -> JobKind:
        return KINDS[type(self.request)]

    @property
    def version(self) -> str | None:
        """The model version that a training creates. None for other jobs."""
        return self.request.version if isinstance(self.request, TrainingRequest) else None

    @property
    def receipt_id(self) -> str | None:
        """The receipt of an erasure, once it has begun. None for other jobs."""
        return self.checkpoint.receipt_id if isinstance(self.checkpoint, ErasureCheckpoint) else None


@dataclass(frozen=True, slots=True)
class StoredFile:
    name: str
    bytes: int
