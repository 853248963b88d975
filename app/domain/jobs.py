"""Jobs: work that takes longer than one request, done in steps that can be killed at any point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.events import EventKey, EventSelection
from app.domain.users import of_session

EVENT_FIELDS = ("user_id", "session_id", "item_id", "event_type", "value", "timestamp", "event_id")
ITEM_FIELDS = ("item_id", "title", "categories", "properties", "hidden", "expires_at")
USER_FIELDS = ("user_id", "properties")
IMPORT_FIELDS = tuple(dict.fromkeys((*EVENT_FIELDS, *ITEM_FIELDS)))
"""The fields of all records that a file may have."""
PROPERTY = "properties."
"""The prefix of a property's name in a mapping: properties.price=UnitPrice."""


def is_import_field(name: str) -> bool:
    """Whether a mapping may name this field."""
    return name in IMPORT_FIELDS or (name.startswith(PROPERTY) and name != PROPERTY)


class JobKind(StrEnum):
    IMPORT = "import"
    PREVIEW = "preview"
    EXPORT = "export"
    ERASURE = "erasure"
    DELETION = "deletion"
    UNDO = "undo"
    TRAINING = "training"


class JobState(StrEnum):
    """Imports and previews wait for their file, then run; other jobs run at once. Each ends in one of three states."""

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
    records: str | None = None
    """events, items, users, or events,items for files with both. None: it follows from the columns."""
    format: str | None = None
    """jsonl, csv, tsv or parquet. None: it follows from the content."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Our field -> the file's column."""
    encoding: str | None = None
    """The encoding of a text. None: UTF-8."""
    time_unit: str | None = None
    """The unit of numeric times. None: it follows from their size."""
    event_type: str | None = None
    """The type of events that have none."""
    date_format: str | None = None
    """How times are written, in codes of strptime. None: it follows from them."""
    decimal: str = "."
    """What stands before the fraction of a number."""
    file_name: str | None = None
    """The name of the file, for lists of imports."""
    file_of: str | None = None
    """The job whose uploaded file is read. None: the file is uploaded for this job."""


@dataclass(frozen=True, slots=True)
class PreviewRequest(ImportRequest):
    """Shows what an import with the same options would store of the first rows, and stores nothing."""


@dataclass(frozen=True, slots=True)
class ImportCheckpoint:
    """The start of the next slice of the file, and what is known from the rows before."""

    size: int = 0
    """Bytes of the whole file."""
    position: int = 0
    """Bytes of the unpacked file, or rows of a Parquet file, before the slice."""
    line: int = 0
    """Lines before the slice."""
    cells: Mapping[str, Any] = field(default_factory=dict)
    """The kinds of cells of a text's columns, as far as it was read."""
    has_types: bool = False
    """Whether all of the text was read for the types."""
    import_id: str | None = None
    """The id that the command line gave the import. None: that of the job."""
    stored_at: str | None = None
    """When the rows before the slice were stored."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """The counts of the rows before the slice."""
    records: str | None = None
    """The kind of records in the file, once it is certain."""
    ignored: Mapping[str, str] = field(default_factory=dict)
    """The columns that are not used -> why not; empty if they just mean nothing to us."""
    notes: Sequence[str] = ()
    """How the file was read."""


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
class DeletionRequest:
    """Deletes the events that meet all of these conditions."""

    user_id: str | None = None
    session_id: str | None = None
    """The user or session is emptied when the job ends, so that no job names users who are erased later."""
    item_id: str | None = None
    event_type: str | None = None
    from_time: str | None = None
    """ISO 8601, as all times in requests."""
    to_time: str | None = None

    @property
    def selection(self) -> EventSelection:
        owner = of_session(self.session_id) if self.session_id is not None else self.user_id
        from_time, to_time = (datetime.fromisoformat(time) if time else None for time in (self.from_time, self.to_time))
        return EventSelection(owner, self.item_id, self.event_type, from_time, to_time)


@dataclass(frozen=True, slots=True)
class DeletionCheckpoint:
    start: str | None = None
    """Where the next page of events starts."""
    is_read: bool = False
    """Whether there is no next page."""
    pending: Sequence[EventKey] = ()
    """Events that were read and are deleted by the next step, which counts them."""


@dataclass(frozen=True, slots=True)
class UndoRequest:
    """Takes back what an import added."""

    import_id: str


@dataclass(frozen=True, slots=True)
class UndoCheckpoint:
    kind: str | None = "events"
    """The kind of records to read next: events, then items, then users. None: all were read."""
    start: str | None = None
    """Where the next page of them starts."""
    pending: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Keys of records by kind, which the next step deletes and counts."""


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    version: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class TrainingCheckpoint:
    moves: int = 0
    """How often the training was moved to a container task."""


JobRequest = ImportRequest | ExportRequest | ErasureRequest | DeletionRequest | UndoRequest | TrainingRequest
Checkpoint = (
    ImportCheckpoint | ExportCheckpoint | ErasureCheckpoint | DeletionCheckpoint | UndoCheckpoint | TrainingCheckpoint
)

KINDS: Mapping[type[JobRequest], JobKind] = {
    ImportRequest: JobKind.IMPORT,
    PreviewRequest: JobKind.PREVIEW,
    ExportRequest: JobKind.EXPORT,
    ErasureRequest: JobKind.ERASURE,
    DeletionRequest: JobKind.DELETION,
    UndoRequest: JobKind.UNDO,
    TrainingRequest: JobKind.TRAINING,
}
FIRST_CHECKPOINTS: Mapping[JobKind, Checkpoint] = {
    JobKind.IMPORT: ImportCheckpoint(),
    JobKind.PREVIEW: ImportCheckpoint(),
    JobKind.EXPORT: ExportCheckpoint(),
    JobKind.ERASURE: ErasureCheckpoint(),
    JobKind.DELETION: DeletionCheckpoint(),
    JobKind.UNDO: UndoCheckpoint(),
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
    def import_id(self) -> str | None:
        """The id that is carried by what an import added, to take it back. None for other jobs."""
        if not isinstance(self.checkpoint, ImportCheckpoint) or self.kind is not JobKind.IMPORT:
            return None
        return self.checkpoint.import_id or self.job_id

    @property
    def summary(self) -> "ImportSummary | None":
        """What an import did so far. None for other jobs."""
        checkpoint = self.checkpoint
        if not isinstance(checkpoint, ImportCheckpoint) or self.kind is not JobKind.IMPORT:
            return None
        counts = {name: self.counts.get(name, 0) for name in ("read", "loaded", "unchanged", "rejected", "skipped")}
        return ImportSummary(
            checkpoint.records,
            **counts,
            repeated=checkpoint.summary.get("repeated", 0),
            records=checkpoint.summary.get("records", {}),
            reasons=checkpoint.summary.get("reasons", {}),
            ignored_columns=checkpoint.ignored,
            notes=checkpoint.notes,
        )

    @property
    def receipt_id(self) -> str | None:
        """The receipt of an erasure, once it has begun. None for other jobs."""
        return self.checkpoint.receipt_id if isinstance(self.checkpoint, ErasureCheckpoint) else None


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did with the rows of its file so far."""

    kind: str | None
    read: int
    loaded: int
    unchanged: int
    rejected: int
    skipped: int
    repeated: int
    records: Mapping[str, int]
    reasons: Mapping[str, int]
    ignored_columns: Mapping[str, str]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class StoredFile:
    name: str
    bytes: int
