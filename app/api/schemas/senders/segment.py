"""The body of `POST /v1/events:segment`: messages of Segment's Spec, as webhooks and libraries send them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Discriminator, Field, JsonValue, Tag, ValidationInfo, field_validator, model_validator
from pydantic.config import JsonDict

from app.api.schemas.fields import Anytime, Timestamp, in_time
from app.api.schemas.senders.messages import Foreign, ForeignId, Line, Message, named, owner_of

TRACK = "track"
VIEWS = {"page": "page_view", "screen": "screen_view"}
"""Types of messages without an event name -> the event type if they name a product."""
REQUIRED: JsonDict = {
    "if": {"required": ["type"], "properties": {"type": {"const": TRACK}}},
    "then": {"required": ["event"], "properties": {"event": {"type": "string"}}},
    "allOf": [{"if": named("userId"), "else": named("anonymousId")}],
}


class SegmentProduct(Line):
    ITEM: ClassVar[str] = "product_id"

    item_id: Annotated[ForeignId, Field(alias=ITEM)]


class SegmentMessage(Foreign):
    """A message. Other fields, such as `context` and `sentAt`, are ignored."""

    model_config = ConfigDict(json_schema_extra=REQUIRED)

    type: Annotated[
        str,
        Field(
            min_length=1,
            max_length=100,
            description="`track`, `page` and `screen` become events if they name products; others are skipped.",
            examples=[TRACK],
        ),
    ]
    event: Annotated[
        Annotated[str, Field(min_length=1, max_length=1_000)] | None,
        Field(description="What the user did. Spaces become `_`.", examples=["Order Completed"]),
    ] = None
    user_id: Annotated[ForeignId, Field(alias="userId", description="The user.", examples=["ann"])] = None
    anonymous_id: Annotated[
        ForeignId,
        Field(
            alias="anonymousId",
            description="The visitor: identifies the session if there is no userId.",
            examples=["c2Vzc2lvbg"],
        ),
    ] = None
    message_id: Annotated[
        str | None,
        Field(
            alias="messageId",
            max_length=1_000,
            description="Distinguishes messages with the same time.",
            examples=["022bb90c-bbac-11e4-8dfc-aa07a5b093db"],
        ),
    ] = None
    timestamp: Timestamp | None = None
    original_timestamp: Annotated[
        Anytime | None,
        Field(
            alias="originalTimestamp",
            description="The time of a message without a `timestamp`.",
            examples=["2026-01-31T12:00:00Z"],
        ),
    ] = None
    properties: Annotated[
        dict[str, JsonValue] | None,
        Field(
            description="Either `products`, or the fields of one product: `product_id`, and `price`, `quantity`, "
            "`rating` and `recommendation_id`.",
            examples=[{"order_id": "7", "products": [{"product_id": "sku-1042", "price": 19.0, "quantity": 2}]}],
        ),
    ] = None

    @field_validator("original_timestamp")
    @classmethod
    def check_if_used(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        """The clock of a device may be wrong if `timestamp` says the right time."""
        return value if value is None or info.data.get("timestamp") else in_time(value)

    @model_validator(mode="after")
    def check(self) -> Self:
        if self.type == TRACK and self.event is None:
            raise ValueError("a track message needs its event")
        if self.owner is None:
            raise ValueError("needs a userId or an anonymousId")
        return self

    @property
    def owner(self) -> str | None:
        return owner_of(self.user_id, self.anonymous_id)

    def read(self, pointer: str) -> Message:
        """Returns what it says; `pointer` is its own."""
        event_type = (self.event if self.type == TRACK else VIEWS.get(self.type)) or ""
        properties = self.properties or {}
        products = properties.get("products")
        lines: Sequence[object] = ()
        place, others = f"{pointer}/properties", set[str]()
        if event_type and isinstance(products, list):
            lines, place, others = products, place + "/products/{}", properties.keys() - {"products"}
        elif event_type:
            lines = [properties]
        return Message(
            name=(self.event if self.type == TRACK else None) or self.type,
            event_type=event_type,
            type_pointer=f"{pointer}/event",
            owner=str(self.owner),
            timestamp=self.timestamp or self.original_timestamp,
            identity=(self.message_id or "",),
            lines=lines,
            place=place,
            others=others,
        )


class SegmentBatch(Foreign):
    """Several messages. Other fields, such as `sentAt` and `writeKey`, are ignored."""

    batch: Annotated[list[SegmentMessage], Field(min_length=1, description="The messages.")]


def _form(body: Any) -> str:  # noqa: ANN401 - JSON
    """How a body holds its messages."""
    if isinstance(body, list):
        return "list"
    return "batch" if isinstance(body, Mapping) and "batch" in body else "message"


SegmentIn = Annotated[
    Annotated[SegmentMessage, Tag("message")]
    | Annotated[SegmentBatch, Tag("batch")]
    | Annotated[list[SegmentMessage], Field(min_length=1), Tag("list")],
    Discriminator(_form),
]


def messages_of(body: SegmentMessage | SegmentBatch | list[SegmentMessage]) -> Iterator[Message]:
    if isinstance(body, SegmentMessage):
        yield body.read("")
        return
    messages, pointer = (body, "") if isinstance(body, list) else (body.batch, "/batch")
    for position, message in enumerate(messages):
        yield message.read(f"{pointer}/{position}")
