"""Items, users, events, and pages of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
    hidden: bool = False
    """Kept, but not recommended."""
    expires_at: datetime | None = None
    """From then on it is not recommended."""

    @property
    def etag(self) -> str:
        return _etag(self.created_at, self.updated_at)

    def is_shown(self, now: datetime) -> bool:
        """Whether it may be recommended."""
        return not self.deleted and not self.hidden and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody to recommend to."""

    user_id: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH

    @property
    def etag(self) -> str:
        return _etag(self.created_at, self.updated_at)


def _etag(created_at: datetime, updated_at: datetime) -> str:
    """The validator of a record as it is: every change has a time of its own."""
    return blake2b(f"{created_at.isoformat()}{updated_at.isoformat()}".encode(), digest_size=9).hexdigest()


@dataclass(frozen=True, slots=True)
class Origin:
    """The answer that an event goes back to: which version, scenario and recommender showed the item."""

    version: str
    scenario: str
    source: str


@dataclass(frozen=True, slots=True)
class Event:
    """One user did one thing with one item at one time."""

    user_id: str
    item_id: str
    event_type: str
    timestamp: datetime
    event_id: str
    value: float | None = None
    origin: Origin | None = None

    @property
    def session_id(self) -> str | None:
        return session_of(self.user_id)


def of_session(session_id: str) -> str:
    """What stands for the user's id in the events of a session."""
    return SESSION + session_id


def session_of(user_id: str) -> str | None:
    """The session that something stands for which is no user's id."""
    return user_id.removeprefix(SESSION) if user_id.startswith(SESSION) else None


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
class Precondition:
    """What a write expects of the present state: one of some ETags, anything at all, or nothing."""

    etags: frozenset[str] | None = None
    exists: bool | None = None
