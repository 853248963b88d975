"""The frames of a live socket: JSON objects with an `action`, the same locally and behind API Gateway."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from app.api.http import problems, validation
from app.api.schemas.events import EventIn
from app.api.schemas.fields import Body
from app.api.schemas.owners import Owner
from app.api.schemas.recommendations import LimitField, RecommendationFields
from app.api.schemas.records import PropertiesField, ScenarioField
from app.domain.sockets import WatchedList
from app.errors import InvalidInput, SerendipError

MAX_FRAME_BYTES = 32 * 1024
"""The limit of API Gateway for one frame; larger ones are never sent."""
MAX_MESSAGE_BYTES = 128 * 1024
"""The limit for a client's message, which can span several frames."""

Echo = Annotated[
    str | None,
    Field(
        max_length=64,
        pattern=r"^[A-Za-z0-9._:-]*$",
        description="Repeated in the response frame.",
        examples=["1"],
    ),
]


class _Frame(Body):
    id: Echo = None
    traceparent: Annotated[str | None, Field(max_length=100, description="W3C Trace Context.")] = None


class Subscribe(_Frame, Owner):
    """Get a user's list now, and again whenever it changes after an event."""

    action: Literal["subscribe"]
    limit: LimitField = 10
    scenario: ScenarioField = None
    properties: PropertiesField = False

    def watched(self) -> WatchedList:
        """Returns the list to watch; the scenario decides the limit unless the frame does."""
        is_own_limit = "limit" in self.model_fields_set or self.scenario is None
        limit = self.limit if is_own_limit else None
        return WatchedList(self.owner, limit, self.scenario, self.properties)


class Unsubscribe(_Frame, Owner):
    action: Literal["unsubscribe"]


class SendEvent(_Frame, EventIn):
    """Send one event, as POST /v1/events does."""

    action: Literal["event"]


class Recommend(_Frame, Owner, RecommendationFields):
    """Get a user's list once."""

    action: Literal["recommend"]


class Resume(_Frame):
    """Restore the subscriptions of an earlier connection; lists that have changed since are sent at once."""

    action: Literal["resume"]
    token: Annotated[str, Field(max_length=20_000, description="The `resume` of an earlier frame.")]


class Ping(_Frame):
    """Keep the connection open: API Gateway ends connections that are silent for ten minutes."""

    action: Literal["ping"]


Frame = Annotated[Subscribe | Unsubscribe | SendEvent | Recommend | Resume | Ping, Field(discriminator="action")]
_frames: TypeAdapter[Frame] = TypeAdapter(Frame)


def parsed(text: str | bytes) -> Frame:
    """Parses a frame.

    Raises:
        InvalidInput: the frame is invalid; `errors` names every bad field.
    """
    if len(text) > MAX_MESSAGE_BYTES:
        raise InvalidInput(f"A message has at most {MAX_MESSAGE_BYTES // 1024} KB.")
    try:
        return _frames.validate_json(text)
    except ValidationError as error:
        raise validation.of_request(
            [{**each, "loc": ("body", *each["loc"])} for each in error.errors()], Frame
        ) from error


def packed(action: str, frame_id: str | None, **content: object) -> bytes:
    echo = {} if frame_id is None else {"id": frame_id}
    return orjson.dumps({"action": action, **echo, **content})


def of_error(error: SerendipError | None, request_id: str, frame_id: str | None) -> bytes:
    """Returns the problem document of an error as a frame; None is an internal error."""
    response = problems.of(error, request_id) if error else problems.unexpected(request_id)
    seconds = response.headers.get("retry-after")
    more = {"retry_after": int(seconds)} if seconds else {}
    return packed("error", frame_id, **orjson.loads(response.body), **more)


def fitted(action: str, frame_id: str | None, content: Mapping[str, Any]) -> bytes:
    """Returns a frame of recommendations; if it is too large, without reasons, then without properties and titles."""
    frame = packed(action, frame_id, **content)
    for left_out in (
        ("reasons",),
        ("reasons", "properties", "categories"),
        ("reasons", "properties", "categories", "title"),
    ):
        if len(frame) <= MAX_FRAME_BYTES:
            break
        items = [{name: value for name, value in item.items() if name not in left_out} for item in content["items"]]
        frame = packed(action, frame_id, **{**content, "items": items, "trimmed": True})
    return frame
