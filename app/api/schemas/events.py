"""The bodies of requests and responses about events."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from app.api.schemas.batches import MAX_EVENTS
from app.api.schemas.fields import Body, Id, Timestamp, Value, View
from app.api.schemas.owners import USER_OR_SESSION, Owner
from app.domain.events import Event, derived_event_id
from app.domain.users import session_of

WITH_EVENT_ID: JsonDict = {"required": ["event_id"], "properties": {"event_id": {"type": "string"}}}
WITH_TIMESTAMP: JsonDict = {"required": ["timestamp"], "properties": {"timestamp": {"type": ["string", "number"]}}}
REPEATABLE: JsonDict = {"if": WITH_EVENT_ID, "then": WITH_TIMESTAMP}


class SessionEvent(Body):
    """An event of a visitor without a user id."""

    model_config = ConfigDict(json_schema_extra=REPEATABLE)

    item_id: Id
    event_type: Annotated[Id, Field(examples=["view", "purchase", "rating"])] = "view"
    value: Value | None = None
    timestamp: Timestamp | None = None
    event_id: Annotated[Id, Field(examples=["order-7-line-2"])] | None = None

    @model_validator(mode="after")
    def repeatable(self) -> "SessionEvent":
        if self.event_id is not None and self.timestamp is None:
            raise ValueError("an event_id needs its timestamp too, or sending it again would store it twice")
        return self

    def record(self, user_id: str, now: datetime) -> Event:
        event_id = self.event_id or derived_event_id(user_id, self.item_id, self.event_type, self.value)
        return Event(user_id, self.item_id, self.event_type, self.timestamp or now, event_id, self.value)


REPEATABLE_OWNED: JsonDict = {
    "if": WITH_EVENT_ID,
    "then": {**WITH_TIMESTAMP, **USER_OR_SESSION},
    "else": USER_OR_SESSION,
}


class EventIn(SessionEvent, Owner):
    """Sent again with the same timestamp, an event is stored once."""

    model_config = ConfigDict(json_schema_extra=REPEATABLE_OWNED)

    recommendation_id: Annotated[
        Annotated[str, Field(max_length=6_000)] | None,
        Field(description="Of the answer that showed the item: the event counts for its version and scenario."),
    ] = None


class EventsIn(Body):
    events: Annotated[list[EventIn], Field(min_length=1, max_length=MAX_EVENTS)]


class Accepted(BaseModel):
    accepted: int
    freshness_token: Annotated[str, Field(description="Pass it as `after` to read what surely reflects these events.")]


def _no_session(user_id: str) -> str:
    return user_id if session_of(user_id) is None else ""


class AttributionView(View):
    """The answer that an event goes back to."""

    version: str
    scenario: str
    source: str


class EventView(View):
    user_id: Annotated[str, BeforeValidator(_no_session), Field(description="Empty for an event of a session.")]
    session_id: str | None = None
    item_id: str
    event_type: str
    value: float | None
    timestamp: datetime
    event_id: str
    attribution: AttributionView | None = None


class EventPage(BaseModel):
    events: list[EventView]
    next_cursor: str | None
