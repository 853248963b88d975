"""The frames of a live socket: JSON objects with an `action`, the same locally and behind API Gateway."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from app.api.http import problems
from app.api.schemas.fields import WHOLE, Body, Id
from app.api.schemas.recommendations import WishIn
from app.api.schemas.records import MAX_LIMIT, EventIn, Freshness, Owner
from app.errors import InvalidInput, SerendipError

MAX_FRAME_BYTES = 32 * 1024
"""Of a frame of API Gateway; a larger one is never sent."""
MAX_MESSAGE_BYTES = 128 * 1024
"""Of what a client sends, in frames of the former size."""

Echo = Annotated[
    str | None, Field(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$", description="Comes back in the answer.")
]


class _Frame(Body):
    id: Echo = None
    traceparent: Annotated[str | None, Field(max_length=100, description="W3C Trace Context.")] = None


class Subscribe(_Frame, Owner):
    """Get the list now, and again whenever it changes after an event."""

    action: Literal["subscribe"]
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), WHOLE] = 10
    scenario: Annotated[Id | None, Field(description="A stored scenario; a `limit` here wins over its own.")] = None
    properties: bool = False


class Unsubscribe(_Frame, Owner):
    action: Literal["unsubscribe"]


class SendEvent(_Frame, EventIn):
    """Like POST /v1/events."""

    action: Literal["event"]


class Recommend(_Frame, Owner, WishIn):
    """Get the list once."""

    action: Literal["recommend"]
    after: Freshness = None


class Resume(_Frame):
    """Subscribe to what an earlier connection was subscribed to; lists that differ from what it showed come at once."""

    action: Literal["resume"]
    token: Annotated[str, Field(max_length=20_000)]


class Ping(_Frame):
    """Keeps the connection: API Gateway ends one that is silent for ten minutes."""

    action: Literal["ping"]


Frame = Annotated[Subscribe | Unsubscribe | SendEvent | Recommend | Resume | Ping, Field(discriminator="action")]
_frames: TypeAdapter[Frame] = TypeAdapter(Frame)


def parsed(text: str | bytes) -> Frame:
    """Raises InvalidInput, which names every bad place."""
    if len(text) > MAX_MESSAGE_BYTES:
        raise InvalidInput(f"A message has at most {MAX_MESSAGE_BYTES // 1024} KB.")
    try:
        return _frames.validate_json(text)
    except ValidationError as error:
        raise problems.of_validation([{**one, "loc": ("body", *one["loc"][1:])} for one in error.errors()]) from error


def packed(action: str, frame_id: str | None, **content: object) -> bytes:
    echo = {} if frame_id is None else {"id": frame_id}
    return orjson.dumps({"action": action, **echo, **content})


def of_error(error: SerendipError | None, request_id: str, frame_id: str | None) -> bytes:
    """The problem document of an error as a frame; None is a defect of ours."""
    answer = problems.of(error, request_id) if error else problems.unexpected(request_id)
    seconds = answer.headers.get("retry-after")
    more = {"retry_after": int(seconds)} if seconds else {}
    return packed("error", frame_id, **orjson.loads(answer.body), **more)


def fitted(action: str, frame_id: str | None, content: Mapping[str, Any]) -> bytes:
    """A frame of recommendations, without reasons, then without facts, where it would be too large."""
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
