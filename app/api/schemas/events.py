"""The bodies of requests and responses about events."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from app.api.schemas.fields import Body, Id, ItemField, Timestamp, Value, View
from app.api.schemas.owners import USER_OR_SESSION, Owner
from app.api.schemas.records import MAX_EVENTS
from app.domain.events import Event, FeedEvent, derived_event_id
from app.domain.users import session_of

WITH_EVENT_ID: JsonDict = {"required": ["event_id"], "properties": {"event_id": {"type": "string"}}}
WITH_TIMESTAMP: JsonDict = {"required": ["timestamp"], "properties": {"timestamp": {"type": ["string", "number"]}}}
REPEATABLE: JsonDict = {"if": WITH_EVENT_ID, "then": WITH_TIMESTAMP}


class SessionEvent(Body):
    """An event of an anonymous visitor."""

    model_config = ConfigDict(json_schema_extra=REPEATABLE)

    item_id: ItemField
    event_type: Annotated[Id, Field(description="What the user did.", examples=["view", "purchase", "rating"])] = "view"
    value: Value | None = None
    timestamp: Timestamp | None = None
    event_id: Annotated[
        Id | None,
        Field(
            description="Tells events with the same user, item, type and timestamp apart; needs a timestamp.",
            examples=["order-7-line-2"],
        ),
    ] = None

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
    """An event; sent again with the same timestamp, it is stored once."""

    model_config = ConfigDict(json_schema_extra=REPEATABLE_OWNED)

    recommendation_id: Annotated[
        Annotated[str, Field(max_length=6_000)] | None,
        Field(
            description="The `recommendation_id` of the response that showed the item; it counts for its version.",
            examples=["AQ8fad5bd9cb469fa16570867728950e.c2lnbmF0dXJl"],
        ),
    ] = None


class EventsIn(Body):
    events: Annotated[list[EventIn], Field(min_length=1, max_length=MAX_EVENTS, description="The events to store.")]


class Accepted(BaseModel):
    accepted: Annotated[int, Field(description="The number of events.", examples=[2])]
    freshness_token: Annotated[
        str, Field(description="Pass it as `fresh_after` to get recommendations that reflect these events.")
    ]


def _no_session(user_id: str) -> str:
    return user_id if session_of(user_id) is None else ""


class AttributionView(View):
    """The response that showed the item of an event."""

    version: Annotated[
        str, Field(description="The model version; empty without a model.", examples=["v20261123T101500123456-a1b2"])
    ]
    scenario: Annotated[str, Field(description="The scenario; empty without one.", examples=["home"])]
    source: Annotated[str, Field(description="The recommender.", examples=["neighbors"])]


class StoredEvent(View):
    user_id: Annotated[str, BeforeValidator(_no_session), Field(description="Empty for an event of a session.")]
    session_id: Annotated[str | None, Field(description="The session of the event, if it has no user.")] = None
    item_id: Annotated[str, Field(description="The id of the item.", examples=["sku-1042"])]
    event_type: Annotated[str, Field(description="The type of the event.", examples=["view"])]
    value: Annotated[float | None, Field(description="A rating, quantity or revenue.", examples=[4.5])]
    timestamp: Annotated[datetime, Field(description="The time of the event.", examples=["2026-11-24T10:15:00Z"])]
    event_id: Annotated[str, Field(description="The id of the event.", examples=["order-7-line-2"])]


class EventView(StoredEvent):
    attribution: Annotated[
        AttributionView | None,
        Field(description="The response that showed the item, if the event has its `recommendation_id`."),
    ] = None


class EventPage(BaseModel):
    events: Annotated[list[EventView], Field(description="The events, newest first.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]


class FeedEventView(StoredEvent):
    title: Annotated[str | None, Field(description="The title of the item.", examples=["Copper Kettle"])]
    item_known: Annotated[
        bool, Field(description="Whether the item has a record; others are stored, but not recommended.")
    ]
    type_known: Annotated[
        bool,
        Field(description="Whether the type is a usual or declared one; others count like views."),
    ]

    @classmethod
    def of(cls, listed: FeedEvent) -> "FeedEventView":
        stored = StoredEvent.model_validate(listed.event).model_dump()
        return cls(**stored, title=listed.title, item_known=listed.is_item_known, type_known=listed.is_type_known)


class FeedPage(BaseModel):
    events: Annotated[list[FeedEventView], Field(description="The events, newest first.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]
    searched_to: Annotated[
        datetime | None,
        Field(
            description="All events since this time were examined, by this page and those before it; null on the last.",
            examples=["2026-11-24T10:15:00Z"],
        ),
    ]


class FailureView(View):
    """A stored event that did not reach counters, lists and exclusions."""

    record_id: Annotated[str, Field(description="The id of the record in the stream.", examples=["8c1b27f0"])]
    user_id: Annotated[str | None, Field(description="The user of the event, if it names one.", examples=["ann"])]
    reason: Annotated[str, Field(description="The error.", examples=["ValueError: a record without images"])]


class FailurePage(BaseModel):
    failures: Annotated[list[FailureView], Field(description="The failures of the last two weeks, in no order.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]


class RefusedPlace(View):
    pointer: Annotated[str, Field(description="The JSON pointer of the fault.", examples=["/events/0/item_id"])]
    detail: Annotated[str, Field(description="What is wrong with it.", examples=["is missing"])]


class RefusalView(View):
    """A refused request with events. Nothing was stored."""

    refused_at: Annotated[datetime, Field(description="The time of the request.", examples=["2026-11-24T10:15:00Z"])]
    status: Annotated[int, Field(description="The status of the response.", examples=[422])]
    detail: Annotated[str, Field(description="The detail of the problem.")]
    errors: Annotated[list[RefusedPlace], Field(description="The first five faults.")]
    others: Annotated[int, Field(description="The number of refusals shortly before it that are not listed.")]


class RefusalList(BaseModel):
    refusals: Annotated[list[RefusalView], Field(description="The refusals, newest first.")]
