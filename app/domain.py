"""The records that cross layers. They know nothing of HTTP, DynamoDB or numpy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Generic, TypeVar

ID_PATTERN = r"^[A-Za-z0-9._:~|@-]{1,128}$"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(hours=1)

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be recommended."""

    item_id: str
    title: str | None = None
    categories: tuple[str, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """Somebody to recommend to."""

    user_id: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH


@dataclass(frozen=True, slots=True)
class Event:
    """One user did one thing with one item at one time."""

    user_id: str
    item_id: str
    event_type: str
    timestamp: datetime
    event_id: str
    value: float | None = None


def derived_event_id(user_id: str, item_id: str, event_type: str, value: float | None) -> str:
    """The id of an event sent without one: equal content at an equal time is the same event."""
    content = "\n".join((user_id, item_id, event_type, repr(value)))
    return blake2b(content.encode(), digest_size=9).hexdigest()


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """Some records of a listing, and where the next page starts (None at the end)."""

    records: tuple[Record, ...]
    next_start: str | None


@dataclass(frozen=True, slots=True)
class Scoring:
    """What turns a user's events into weights; chosen by the trainer, travels with the active pointer."""

    half_life_days: float | None = None
    rating_threshold: float | None = None


class VersionState(StrEnum):
    """A model version is learning, usable, or never will be."""

    TRAINING = "training"
    CANCELLING = "cancelling"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One trained model: what it was learned from, with which parameters, and how good it is."""

    version: str
    state: VersionState
    created_at: datetime
    heartbeat_at: datetime
    phase: str = "queued"
    progress: float = 0.0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    detail: str | None = None
    seconds: float | None = None
    manifest_chunks: int = 0


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """The pointer that serving follows."""

    version: str
    activated_at: datetime
    previous: str | None = None
    scoring: Scoring = field(default_factory=Scoring)


@dataclass(frozen=True, slots=True)
class Reason:
    """A past event and its share of a recommendation's score (the shares of all events sum to 1)."""

    item_id: str
    event_type: str
    timestamp: datetime | None
    share: float
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One place of an answer. `source` names the recommender or the fallback list it came from."""

    item_id: str
    score: float
    source: str
    reasons: tuple[Reason, ...] = ()
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An ordered list of recommendations and where it came from."""

    recommendations: tuple[Recommendation, ...]
    model_version: str | None
    degraded: bool = False
