"""Jobs: work on more than one request can do, done in slices that can be killed at any point."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobKind(StrEnum):
    IMPORT = "import"
    EXPORT = "export"
    ERASURE = "erasure"
    TRAINING = "training"


class JobState(StrEnum):
    """A job is worked on, after an import got its file, until it has ended in one of three ways."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        return self in {JobState.WAITING, JobState.RUNNING}


@dataclass(frozen=True, slots=True)
class Job:
    """What was asked for, and how far it got."""

    job_id: str
    kind: JobKind
    state: JobState
    created_at: datetime
    heartbeat_at: datetime
    request: Mapping[str, Any] = field(default_factory=dict)
    place: Mapping[str, Any] = field(default_factory=dict)
    """The checkpoint: where the next step begins. To do a step again from the same place changes nothing."""
    counts: Mapping[str, int] = field(default_factory=dict)
    progress: float = 0.0
    detail: str | None = None
    ended_at: datetime | None = None
    holder: str = ""
    """The worker that took it and has not let go, if any; only a sign of life tells whether he lives."""
    attempts: int = 0
    """How often it was taken since the last checkpoint."""
    revision: int = 0
    """Grows whenever somebody else takes over: who holds an older one has lost it."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    name: str
    bytes: int
