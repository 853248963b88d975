"""Events, the changes that the stream reports, and failed stream records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple

from app.domain.users import session_of

CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Attribution:
    """The answer that an event goes back to: which version, scenario and recommender showed the item."""

    version: str
    scenario: str
    source: str


class Event(NamedTuple):
    """One action of a user on an item at a point in time.

    A tuple, because a request makes dozens, and a frozen dataclass takes four times as long to make.
    """

    user_id: str
    item_id: str
    event_type: str
    timestamp: datetime
    event_id: str
    value: float | None = None
    attribution: Attribution | None = None

    @property
    def session_id(self) -> str | None:
        return session_of(self.user_id)


@dataclass(frozen=True, slots=True)
class History:
    """A user's newest events, and what older ones said for good."""

    events: Sequence[Event]
    verdicts: bytes | None = None
    """Packed verdicts; None if there are none."""


@dataclass(frozen=True, slots=True)
class EventSelection:
    """The events that meet all of some conditions."""

    owner: str | None = None
    """The user or session."""
    item_id: str | None = None
    event_type: str | None = None
    from_time: datetime | None = None
    """The earliest time."""
    to_time: datetime | None = None
    """Events of this time and later ones are not selected."""
    import_id: str | None = None
    """The import that wrote the event last."""


EventKey = tuple[str, str]
"""The user and the position of an event, which name it in its table."""


@dataclass(frozen=True, slots=True)
class SelectedEvents:
    """The events that were selected from one page of events."""

    keys: Sequence[EventKey]
    read: int
    """The number of events on the page."""
    next_start: str | None
    """Where the next page starts; None after the last page."""


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event of the feed, and what the project knows about it."""

    event: Event
    title: str | None
    """The title of the item."""
    is_item_known: bool
    """Whether the item has a record."""
    is_type_known: bool
    """Whether the name of the type says what it means, or the project has declared it."""


def derived_event_id(user_id: str, item_id: str, event_type: str, value: float | None) -> str:
    """Returns the id of an event that was sent without one: the same content at the same time is the same event."""
    return event_id_of(user_id, item_id, event_type, repr(value))


def event_id_of(*content: str) -> str:
    """Returns the id of an event that is the same whenever this content is."""
    return blake2b("\n".join(content).encode(), digest_size=9).hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """An event that was written, replaced or removed, as the stream reports it."""

    record_id: str
    """The same at every delivery of the record."""
    sequence: str
    project: str
    user_id: str
    arrived: int
    """When the database made the change, in seconds since 1970."""
    old: Event | None
    new: Event | None


@dataclass(frozen=True, slots=True)
class RefusedPlace:
    """One fault of a refused request."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused request with events. Nothing was stored."""

    refused_at: datetime
    status: int
    detail: str
    errors: Sequence[RefusedPlace]
    others: int
    """The number of refusals shortly before it that are not listed."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A stream record that could not be applied, and the reason."""

    project: str
    record_id: str
    user_id: str | None
    reason: str
    record: Mapping[str, Any]
