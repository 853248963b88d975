"""The bodies of requests and answers. Unknown fields, wrong types, NaN and oversized values are refused."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from app.api.schemas.fields import Anytime, Body, Categories, Id, Patch, Properties, Timestamp, Title, Value, View
from app.domain.events import Event, derived_event_id
from app.domain.items import Item
from app.domain.models import VersionState
from app.domain.users import User, of_session, session_of

MAX_EVENTS = 500
MAX_RECORDS = 100
MAX_LIMIT = 100
MAX_RANKED = 500

Freshness = Annotated[
    Annotated[str, Field(max_length=500)] | None,
    Field(description="A freshness token: the list reflects the events that returned it."),
]


Hidden = Annotated[bool, Field(description="Keep it, but recommend it to nobody.")]
Expiry = Annotated[Anytime, Field(description="From then on it is recommended to nobody.")]


class ItemIn(Body):
    title: Title | None = None
    categories: Categories = ()
    properties: Properties = Field(default_factory=dict)
    hidden: Hidden = False
    expires_at: Expiry | None = None

    def record(self, item_id: str) -> Item:
        categories = tuple(dict.fromkeys(self.categories))
        return Item(item_id, self.title, categories, self.properties, hidden=self.hidden, expires_at=self.expires_at)


class ItemPatch(Patch):
    title: Title | None = None
    categories: Categories = ()
    properties: Properties = Field(default_factory=dict, description="Merged by RFC 7396: null removes a property.")
    hidden: Hidden = False
    expires_at: Expiry | None = None

    def changes(self) -> dict[str, Any]:
        given = super().changes()
        if "categories" in given:
            given["categories"] = tuple(dict.fromkeys(given["categories"]))
        return given


class BatchItem(ItemIn):
    item_id: Id


class ItemsIn(Body):
    items: Annotated[list[BatchItem], Field(min_length=1, max_length=MAX_RECORDS)]


class UserIn(Body):
    properties: Properties = Field(default_factory=dict)

    def record(self, user_id: str) -> User:
        return User(user_id, self.properties)


class UserPatch(Patch):
    properties: Properties = Field(default_factory=dict)


class BatchUser(UserIn):
    user_id: Id


class UsersIn(Body):
    users: Annotated[list[BatchUser], Field(min_length=1, max_length=MAX_RECORDS)]


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


USER_OR_SESSION: JsonDict = {
    "if": {"required": ["user_id"], "properties": {"user_id": {"type": "string"}}},
    "then": {"properties": {"session_id": {"type": "null"}}},
    "else": {"required": ["session_id"], "properties": {"session_id": {"type": "string"}}},
}
"""Not `oneOf`: client generators drop the properties beside it."""


class Owner(Body):
    """Names a user, or a session of somebody unknown."""

    model_config = ConfigDict(json_schema_extra=USER_OR_SESSION)

    user_id: Id | None = None
    session_id: Annotated[Id, Field(examples=["c2Vzc2lvbg"])] | None = None

    @model_validator(mode="after")
    def one(self) -> Self:
        if (self.user_id is None) == (self.session_id is None):
            raise ValueError("needs either a user_id or a session_id")
        return self

    @property
    def owner(self) -> str:
        """The user's id, or what stands for it in a session."""
        return of_session(self.session_id) if self.session_id is not None else str(self.user_id)


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


class MergeIn(Body):
    session_id: Id


class MergeView(BaseModel):
    moved: Annotated[int, Field(description="Events of the session that are the user's now.")]
    complete: Annotated[bool, Field(description="False: some are left; send the request again.")]


class TrainingIn(Body):
    force: Annotated[bool, Field(description="Activate the version even if it is judged clearly worse.")] = False


class ItemView(View):
    item_id: str
    title: str | None
    categories: tuple[str, ...]
    properties: dict[str, Any]
    hidden: bool
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class UserView(View):
    user_id: str
    properties: dict[str, Any]
    created_at: datetime
    updated_at: datetime


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


class Stored(BaseModel):
    changed: Annotated[int, Field(description="How many records were new or different.")]


class Accepted(BaseModel):
    accepted: int
    freshness_token: Annotated[str, Field(description="Pass it as `after` to read what surely reflects these events.")]


class VersionView(View):
    version: str
    state: VersionState
    active: bool
    created_at: datetime
    heartbeat_at: datetime
    phase: str
    progress: float
    parameters: dict[str, Any]
    metrics: dict[str, Any]
    counts: dict[str, int]
    detail: str | None
    seconds: float | None


class ActiveView(View):
    version: str
    previous: str | None
    activated_at: datetime


class ItemPage(BaseModel):
    items: list[ItemView]
    next_cursor: str | None


class UserPage(BaseModel):
    users: list[UserView]
    next_cursor: str | None


class EventPage(BaseModel):
    events: list[EventView]
    next_cursor: str | None


class VersionPage(BaseModel):
    versions: list[VersionView]
    next_cursor: str | None


class ProblemError(BaseModel):
    pointer: Annotated[str, Field(description="JSON pointer into the body, or a parameter's name.")]
    detail: str


class Problem(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})

    type: str
    title: str
    status: int
    detail: str
    instance: Annotated[str, Field(description="The request's id.")]
    errors: list[ProblemError] | None = None


class Health(BaseModel):
    status: str
