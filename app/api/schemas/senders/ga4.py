"""The body of `POST /v1/events:ga4`: events of Google Analytics 4, as the Measurement Protocol sends them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field, JsonValue, model_validator
from pydantic.config import JsonDict

from app.api.schemas.fields import WHOLE, in_time
from app.api.schemas.senders.messages import Foreign, ForeignId, Message, named, owner_of
from app.recommender.events.kinds import GA4_TYPES

MICROS = 1e6
EARLIEST, LATEST = 10**15, 10**16
"""Of 2001 and 2286, in microseconds: times in other units are not between them."""
OWNED: JsonDict = {
    "if": named("user_id"),
    "else": {"if": named("client_id"), "else": named("app_instance_id")},
}


def _time(value: object) -> object:
    """Microseconds since 1970, as a number or its text."""
    micros = int(value) if isinstance(value, str) and value.isdecimal() and value.isascii() else value
    if isinstance(micros, bool) or not isinstance(micros, int) or not EARLIEST <= micros < LATEST:
        raise ValueError("must be microseconds since 1970, such as 1769860800000000")
    return datetime.fromtimestamp(micros / MICROS, UTC)


Micros = Annotated[
    AwareDatetime,
    BeforeValidator(
        _time,
        json_schema_input_type=Annotated[int, Field(ge=EARLIEST, lt=LATEST)]
        | Annotated[str, Field(pattern="^[1-9][0-9]{15}$")],
    ),
    WHOLE,
    AfterValidator(in_time),
    Field(
        description="Microseconds since 1970; at most an hour ahead. The default is now.",
        examples=[1769860800000000],
        strict=False,
    ),
]


class Ga4Event(Foreign):
    """An event. Other fields are ignored."""

    name: Annotated[
        str, Field(min_length=1, max_length=1_000, description="What the user did.", examples=["add_to_cart"])
    ]
    params: Annotated[
        dict[str, JsonValue] | None,
        Field(
            description="`items`, each with an `item_id`, and `price`, `quantity` and `recommendation_id`; "
            "`transaction_id`.",
            examples=[{"transaction_id": "7", "items": [{"item_id": "sku-1042", "price": 19.0, "quantity": 2}]}],
        ),
    ] = None
    timestamp_micros: Annotated[Micros | None, Field(description="The time of the event.")] = None


class Ga4In(Foreign):
    """Events of one user or visitor. Other fields, such as `user_properties`, are ignored."""

    model_config = ConfigDict(json_schema_extra=OWNED)

    user_id: Annotated[ForeignId, Field(description="The user.", examples=["ann"])] = None
    client_id: Annotated[
        ForeignId,
        Field(description="The browser: identifies the session if there is no user_id.", examples=["123456.7654321"]),
    ] = None
    app_instance_id: Annotated[
        ForeignId,
        Field(
            description="The installation of an app, in place of a client_id.",
            examples=["a1b2c3d4e5f60718293a4b5c6d7e8f90"],
        ),
    ] = None
    timestamp_micros: Annotated[Micros | None, Field(description="The time of events without one of their own.")] = None
    events: Annotated[list[Ga4Event], Field(min_length=1, description="The events.")]

    @model_validator(mode="after")
    def check_owner(self) -> Self:
        if not self.owner:
            raise ValueError("needs a user_id, a client_id or an app_instance_id")
        return self

    @property
    def owner(self) -> str | None:
        return owner_of(self.user_id, self.client_id or self.app_instance_id)

    def messages(self) -> Iterator[Message]:
        for position, event in enumerate(self.events):
            pointer, params = f"/events/{position}", event.params or {}
            items = params.get("items")
            yield Message(
                name=event.name,
                event_type=GA4_TYPES.get(event.name, event.name),
                type_pointer=f"{pointer}/name",
                owner=str(self.owner),
                timestamp=event.timestamp_micros or self.timestamp_micros,
                identity=(str(params.get("transaction_id", "")), str(position)),
                lines=items if isinstance(items, list) else (),
                place=f"{pointer}/params/items/{{}}",
                others=params.keys() - {"items", "transaction_id"},
            )
