"""The records that cross layers. They know nothing of HTTP, DynamoDB or numpy."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Generic, TypeVar

ID_PATTERN = r"^[A-Za-z0-9._:~|@-]{1,128}$"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(hours=1)
SESSION = "#session#"
"""Begins what stands for a user's id in the events of somebody unknown; no id of a user holds its characters."""

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

    @property
    def session_id(self) -> str | None:
        return self.user_id.removeprefix(SESSION) if self.user_id.startswith(SESSION) else None


def of_session(session_id: str) -> str:
    """What stands for the user's id in the events of a session."""
    return SESSION + session_id


def derived_event_id(user_id: str, item_id: str, event_type: str, value: float | None) -> str:
    """The id of an event sent without one: equal content at an equal time is the same event."""
    content = "\n".join((user_id, item_id, event_type, repr(value)))
    return blake2b(content.encode(), digest_size=9).hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """An event that was written, replaced or removed, as the stream tells it."""

    record_id: str
    """The same each time that the record is delivered."""
    sequence: str
    project: str
    user_id: str
    arrived: int
    """Second since 1970 at which the database made the change."""
    old: Event | None
    new: Event | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A record of the stream that could not be applied, and why."""

    project: str
    record_id: str
    user_id: str | None
    reason: str
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """Some records of a listing, and where the next page starts (None at the end)."""

    records: tuple[Record, ...]
    next_start: str | None


def every(page_from: Callable[[str | None], Page[Record]]) -> Iterator[Record]:
    """All records of a listing; the function gives the page that starts at a place, None being the beginning."""
    start = None
    while True:
        page = page_from(start)
        yield from page.records
        start = page.next_start
        if start is None:
            return


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
    active: ActiveModel | None
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class MovingList:
    """A list of a project's items as of a time (seconds since 1970), packed best first; category "" is all."""

    kind: str
    category: str
    as_of: float
    packed: bytes


ADMINISTRATION = "administration"
"""The project whose admin keys create and delete the other projects; it has no data of its own."""


class Scope(StrEnum):
    """What a credential may do. `admin` includes `write`, and `write` includes `recommend`."""

    RECOMMEND = "recommend"
    WRITE = "write"
    ADMIN = "admin"


INCLUDED: Mapping[Scope, frozenset[Scope]] = {
    Scope.RECOMMEND: frozenset({Scope.RECOMMEND}),
    Scope.WRITE: frozenset({Scope.RECOMMEND, Scope.WRITE}),
    Scope.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a key may ask; None is without a limit."""

    requests_per_second: float | None = None
    burst: int | None = None
    """Requests that may come at once; without one, those of a second, and at least one."""
    requests_per_day: int | None = None

    @property
    def bucket_size(self) -> int:
        return self.burst or max(1, round(self.requests_per_second or 1))


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key: not the key."""

    key_id: str
    project: str
    name: str
    scopes: frozenset[Scope]
    digest: str
    """SHA-256 of the whole key, in hexadecimal."""
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used: date | None = None
    origins: tuple[str, ...] = ()
    """Web origins that the key may be used from; none is anywhere."""
    needs_user_token: bool = False
    """The key alone reads nobody's list; a signed user token says whose."""
    limits: Limits = field(default_factory=Limits)

    def has_ended(self, now: datetime) -> bool:
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)


class ProjectState(StrEnum):
    ACTIVE = "active"
    DELETING = "deleting"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Project:
    """An isolated set of data, models and keys."""

    project_id: str
    created_at: datetime
    name: str | None = None
    state: ProjectState = ProjectState.ACTIVE
    limits: Limits = field(default_factory=Limits)
    """Of keys that are made without limits of their own."""
    salt: str = ""
    """Hashes the ids of erased users."""
    deletion: "Receipt | None" = None
    resume_at: Mapping[str, Any] | None = None
    """Where an unfinished deletion goes on."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, derived from the credentials alone."""

    project: str
    scopes: frozenset[Scope]
    credential: str
    """The key's id, or a hash of the token's issuer and subject."""
    user_id: str | None = None
    """The only user whose list may be read; None is any."""
    needs_user_token: bool = False
    limits: Limits = field(default_factory=Limits)
    ends_at: datetime | None = None
    """When the token ends; keys are asked for each time."""

    def facts(self) -> dict[str, Any]:
        """As JSON values, for the rows of connections and for tickets."""
        return {
            "project": self.project,
            "scopes": sorted(scope.value for scope in self.scopes),
            "credential": self.credential,
            "user_id": self.user_id,
            "needs_user_token": self.needs_user_token,
            "limits": asdict(self.limits),
            "ends_at": self.ends_at.isoformat() if self.ends_at else None,
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Principal":
        return cls(
            **{
                **facts,
                "scopes": frozenset(map(Scope, facts["scopes"])),
                "limits": Limits(**facts["limits"]),
                "ends_at": datetime.fromisoformat(facts["ends_at"]) if facts["ends_at"] else None,
            }
        )


@dataclass(frozen=True, slots=True)
class Connection:
    """A live socket, whose identity was fixed when it was opened."""

    connection_id: str
    principal: Principal
    connected_at: datetime
    expires_at: datetime
    users: frozenset[str] = frozenset()
    """Those that it is subscribed to."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A user's list that a connection wants to be told of."""

    project: str
    user_id: str
    connection_id: str
    expires_at: datetime
    wish: Mapping[str, Any] | None = None
    """What was asked for; None where the connection is the user's own, but not subscribed."""
    shown: str | None = None
    """Digest of the list that was pushed last."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure removed, by kind."""

    receipt_id: str
    started_at: datetime
    removed: Mapping[str, int] = field(default_factory=dict)
    completed_at: datetime | None = None

    @property
    def complete(self) -> bool:
        return self.completed_at is not None


@dataclass(frozen=True, slots=True)
class Precondition:
    """What a write expects of the present state: one of some ETags, anything at all, or nothing."""

    etags: frozenset[str] | None = None
    exists: bool | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """A project's traffic of one day (UTC)."""

    day: date
    requests: float = 0.0
    events: float = 0.0
    recommendations: float = 0.0
    read_units: float = 0.0
    write_units: float = 0.0
    milliseconds: float = 0.0
