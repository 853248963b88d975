"""The types of fields, and their schemas in the OpenAPI document."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app import clock
from app.domain.events import CLOCK_SKEW
from app.domain.fields import EPOCH, ID_PATTERN, MOST_CHARACTERS
from app.errors import InvalidInput
from app.recommender import rules
from app.recommender.rules import Kind

MAX_RECORD_BYTES = 390_000
SMALLEST_VALUE, LARGEST_VALUE = 1e-12, 1e12
LATEST_SECONDS = 1e11
"""Timestamps in milliseconds are larger."""
MAX_ERRORS = 2_000
MAX_DEPTH = 32
"""Of lists and objects in properties."""
PRINTABLE = r"^[^\x00-\x1f]+$"


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, regex_engine="rust-regex")

    @model_validator(mode="wrap")
    @classmethod
    def check_number_of_errors(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Reports very many errors as one: describing each takes 3 microseconds on the event loop."""
        try:
            return handler(value)
        except ValidationError as error:
            if error.error_count() <= MAX_ERRORS:
                raise
            context = {"most": f"{MAX_ERRORS:,}"}
            raise PydanticCustomError(
                "too_many_errors", "is not as expected in more than {most} places; send less to see which", context
            ) from None


class Patch(Body):
    """The fields to change; other fields keep their values."""

    def changes(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


class View(BaseModel):
    """Part of a response, made from a record of the domain."""

    model_config = ConfigDict(from_attributes=True)


def _timestamp(value: object) -> object:
    """An ISO 8601 text with its offset, or seconds since 1970 (UTC)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(  # noqa: TRY004 - pydantic reports it
            "must be ISO 8601 with an offset, such as 2026-01-31T12:00:00Z, or seconds since 1970"
        )
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError("must be ISO 8601, such as 2026-01-31T12:00:00Z") from error
    if not abs(value) <= LATEST_SECONDS:  # nor is NaN
        raise ValueError("seconds since 1970 are expected, not milliseconds")
    return datetime.fromtimestamp(value, UTC)


def in_time(value: datetime) -> datetime:
    if value > clock.now() + CLOCK_SKEW:
        raise ValueError("must not be more than an hour in the future")
    return _since_1970(value)


def _since_1970(value: datetime) -> datetime:
    if value < EPOCH:
        raise ValueError("must not be before 1970")
    return value.astimezone(UTC)


def _rule(kind: Kind, source: str) -> str:
    try:
        rules.compiled(kind, source)
    except InvalidInput as error:
        raise ValueError(error.errors[0].detail) from error
    return source


def _to_come(value: datetime) -> datetime:
    if value <= clock.now():
        raise ValueError("must be in the future")
    return value.astimezone(UTC)


def _moderate(value: float | None) -> float | None:
    if value and not SMALLEST_VALUE <= abs(value) <= LARGEST_VALUE:
        raise ValueError("must be 0 or between 1e-12 and 1e12 in size")
    return value


def _plain(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Properties that JSON, and so every client, can carry, rules can compare and DynamoDB can store."""
    _check_plain(value, ())
    try:
        size = len(json.dumps(value, ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        raise ValueError("must not hold unpaired surrogates") from error
    if size > MAX_RECORD_BYTES:
        raise ValueError(f"has {size:,} bytes; at most {MAX_RECORD_BYTES:,} can be stored")
    return value


def _check_plain(value: Mapping[str, Any] | list[Any], path: tuple[str | int, ...]) -> None:
    """Raises ValueError, with the path, for numbers that are no doubles and for what is nested too deeply."""
    if len(path) > MAX_DEPTH:
        raise ValueError(f"is nested more than {MAX_DEPTH} levels deep at {_shown(path)}")
    for name, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
        if isinstance(inner, dict | list):
            _check_plain(inner, (*path, name))
        elif isinstance(inner, int | float) and not abs(inner) <= rules.LARGEST_DOUBLE:  # nor is NaN
            place = _shown((*path, name))
            raise ValueError(f"holds a number at {place} that cannot be compared: the largest is 1.8e308")


def _shown(path: tuple[str | int, ...]) -> str:
    text = "/".join(map(str, path))
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}..."


def _sound(text: str) -> str:
    """Text that can be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must not hold unpaired surrogates") from error
    return text


def _whole(value: object) -> object:
    """In JSON, 7.0 is a whole number too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def valid_date_format(text: str) -> str:
    """Raises ValueError unless a format of strptime gives back the day and the time that it writes."""
    sample = datetime(2001, 2, 3, 16, 5, 6, tzinfo=UTC)
    try:
        read = datetime.strptime(sample.strftime(text), text)  # noqa: DTZ007 - the format may have no offset
    except ValueError as error:
        raise ValueError(f"{text!r} does not consist of codes of strptime such as %d/%m/%Y %H:%M") from error
    if read.date() != sample.date():
        raise ValueError(f"{text!r} lacks a day, a month or a year; write %d/%m/%Y, for example")
    if read.hour not in {0, sample.hour}:
        raise ValueError(f"{text!r} lacks %p (AM or PM), or %H instead of %I")
    return text


def valid_encoding(text: str) -> str:
    """Raises ValueError unless this is the name of an encoding of text."""
    try:
        "".encode(text)
    except (LookupError, ValueError):
        raise ValueError(f"{text!r} is not an encoding of text that Python knows, such as latin-1 or cp1251") from None
    return text


WHOLE = BeforeValidator(_whole)
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
ItemField = Annotated[Id, Field(description="The item.", examples=["sku-1042"])]
UserField = Annotated[Id, Field(description="The user.", examples=["ann"])]
SessionField = Annotated[Id, Field(description="The session of an anonymous visitor.", examples=["c2Vzc2lvbg"])]
Moment = (
    Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
    | Annotated[float, Field(ge=0, le=LATEST_SECONDS)]
)
"""How the schema shows what `_timestamp` takes."""
Timestamp = Annotated[
    AwareDatetime,
    BeforeValidator(_timestamp, json_schema_input_type=Moment),
    AfterValidator(in_time),
    Field(
        description="ISO 8601 with an offset, or seconds since 1970; at most an hour ahead. The default is now.",
        examples=["2026-01-31T12:00:00Z"],
        strict=False,
    ),
]
Future = Annotated[
    AwareDatetime,
    BeforeValidator(_timestamp, json_schema_input_type=Moment),
    AfterValidator(_to_come),
    Field(
        description="The time of expiry: ISO 8601 with an offset, or seconds since 1970; still to come.",
        examples=["2030-01-31T12:00:00Z"],
        strict=False,
    ),
]
Anytime = Annotated[
    AwareDatetime,
    BeforeValidator(_timestamp, json_schema_input_type=Moment),
    AfterValidator(_since_1970),
    Field(description="ISO 8601 with an offset, or seconds since 1970.", strict=False),
]
Filter = Annotated[
    str,
    AfterValidator(partial(_rule, Kind.FILTER)),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": rules.MAX_LENGTH, "format": "cel-filter"}),
]
FilterField = Annotated[
    Filter | None,
    Field(
        description="Only items for which this CEL expression over `item`, `user` and `now` is true.",
        examples=['item.price < 20.0 && "jazz" in item.categories'],
    ),
]
Boost = Annotated[
    str,
    AfterValidator(partial(_rule, Kind.BOOST)),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": rules.MAX_LENGTH, "format": "cel-boost"}),
]
BoostField = Annotated[
    Boost | None,
    Field(
        description="Multiplies each item's score with the number that this CEL expression gives.",
        examples=["has(item.margin) ? 1.0 + item.margin : 1.0"],
    ),
]
DateFormat = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100),
    AfterValidator(valid_date_format),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 100, "format": "strptime"}),
]
Encoding = Annotated[
    str,
    StringConstraints(min_length=1, max_length=40),
    AfterValidator(valid_encoding),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 40, "format": "encoding"}),
]
Properties = Annotated[
    dict[str, JsonValue],
    AfterValidator(_plain),
    Field(description="Any JSON facts, up to 390 KB.", examples=[{"price": 24.5, "brand": "Acme"}]),
]
VALUE_SCHEMA = {
    "anyOf": [
        {"type": "number", "const": 0},
        {"type": "number", "minimum": SMALLEST_VALUE, "maximum": LARGEST_VALUE},
        {"type": "number", "minimum": -LARGEST_VALUE, "maximum": -SMALLEST_VALUE},
    ],
    "description": "A rating, a price or another number: 0, or between 1e-12 and 1e12 in size. It changes the weight "
    "of ratings only: a purchase with a negative value is a purchase. Send a `return` or a `remove_from_cart` instead, "
    "as imports of files read such rows.",
    "examples": [4.5],
}
Title = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=PRINTABLE), AfterValidator(_sound)]
Category = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=PRINTABLE), AfterValidator(_sound)]
Categories = Annotated[
    tuple[Category, ...],
    Field(
        max_length=20,
        strict=False,
        description="The categories, for lists and filters.",
        examples=[["kitchen", "gifts"]],
    ),
]
Value = Annotated[float, AfterValidator(_moderate), WithJsonSchema(VALUE_SCHEMA)]
Freshness = Annotated[
    Annotated[str, Field(max_length=500)] | None,
    Field(
        description="A freshness token: the list reflects the events that returned it.",
        examples=["eyJ0IjoxNzY5ODYwODAwfQ.c2lnbmF0dXJl"],
    ),
]
