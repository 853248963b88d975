"""What the messages of other senders have in common: who did something, and the items that they did it with."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from re import fullmatch
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic.config import JsonDict

from app.api.schemas.events import Accepted
from app.api.schemas.fields import LARGEST_VALUE, WHOLE, Body, Value
from app.api.schemas.owners import default_owner
from app.domain.fields import ID_PATTERN
from app.domain.users import of_session
from app.recommender.events.kinds import PURCHASE, RATING, RETURN

ID_OR_BLANK = rf"^$|{ID_PATTERN}"
LARGEST_ID = 2**53 - 1
"""Senders may have rounded larger numbers."""
NUMBER = r"-?[0-9]{1,12}(\.[0-9]{1,6})?"
DECIMALS = 6
"""Of a revenue. Prices have fewer."""
USED: Mapping[str, frozenset[str]] = {
    PURCHASE: frozenset({"price", "quantity"}),
    RETURN: frozenset({"price", "quantity"}),
    RATING: frozenset({"rating"}),
}
"""The numbers of an item that make the value of an event, by the kind of the event."""


def _id(value: object) -> object:
    """A whole number as text; a blank text stands for no id."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value <= LARGEST_ID:
            raise ValueError("must be text, or a whole number from 0 to 2^53 - 1")
        return str(value)
    return None if value == "" else value


def _number(value: object) -> object:
    """A number that was sent as text; a blank text stands for no number."""
    if not isinstance(value, str):
        return value
    if not fullmatch(NUMBER, value or "0"):
        raise ValueError("must be a number, such as 39.95")
    return float(value) if value else None


def owner_of(user_id: str | None, session_id: str | None) -> str | None:
    """Returns the user, otherwise what stands for the session, otherwise the owner that credentials imply, if any."""
    return user_id or (of_session(session_id) if session_id else default_owner())


def named(field: str) -> JsonDict:
    """The schema of an object in which a field has an id."""
    value: JsonDict = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]}
    return {"required": [field], "properties": {field: value}}


ForeignId = Annotated[
    Annotated[str, StringConstraints(pattern=ID_PATTERN)] | None,
    BeforeValidator(_id),
    WHOLE,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": ID_OR_BLANK},
                {"type": "integer", "minimum": 0, "maximum": LARGEST_ID},
                {"type": "null"},
            ]
        }
    ),
]
Amount = Annotated[Value | None, BeforeValidator(_number)]


class Foreign(Body):
    """Part of a message that may have more fields than Serendip reads."""

    model_config = ConfigDict(extra="ignore")


class Line(Foreign):
    """One item of a message."""

    model_config = ConfigDict(extra="allow")
    ITEM: ClassVar[str] = "item_id"
    """The sender's name of the item's id."""

    item_id: ForeignId
    price: Amount = None
    quantity: Amount = None
    rating: Amount = None
    recommendation_id: Annotated[str | None, Field(max_length=6_000)] = None

    @model_validator(mode="after")
    def check_revenue(self) -> Self:
        if abs(self.revenue or 0) > LARGEST_VALUE:
            raise ValueError("price times quantity must be between -1e12 and 1e12")
        return self

    @property
    def revenue(self) -> float | None:
        """The price times the quantity, which is 1 by default; None without a price."""
        if self.price is None:
            return None
        return round(self.price * (1 if self.quantity is None else self.quantity), DECIMALS)

    def value(self, kind: str) -> float | None:
        """Returns the value of an event of this kind."""
        return self.rating if kind == RATING else self.revenue if kind in USED else None

    def ignored(self, kind: str) -> set[str]:
        """Returns the names of the fields that an event of this kind does not store."""
        numbers = {name for name in ("price", "quantity", "rating") if getattr(self, name) is not None}
        return numbers.difference(USED.get(kind, ())).union(self.model_extra or ())


@dataclass(frozen=True, slots=True)
class Message:
    """What a user or session did, as its sender says it."""

    name: str
    """The name under which it is counted if it is skipped."""
    event_type: str
    type_pointer: str
    """The JSON pointer of the event type."""
    owner: str
    timestamp: datetime | None
    """None: it arrives as it happens."""
    identity: tuple[str, ...]
    """What tells it apart from other messages of the same time, whenever it is sent."""
    lines: Sequence[object]
    """The content of each item."""
    place: str
    """The JSON pointer of an item; `{}` stands for its position."""
    others: Collection[str] = ()
    """The names of what else it says about the event."""


class Received(Accepted):
    skipped: Annotated[
        dict[str, int],
        Field(
            description="What was not stored because it names no item: the number of messages or of their items, by "
            "the name of the event or the type of the message.",
            examples=[{"identify": 1, "page": 2}],
        ),
    ]
    erased: Annotated[
        int, Field(description="The number of events of erased users, which were not stored.", examples=[0])
    ]
    ignored: Annotated[
        list[str],
        Field(
            description="The names of fields that were not stored with the events. Send those of items to "
            "`POST /v1/items:batch`.",
            examples=[["brand", "currency", "name"]],
        ),
    ]
