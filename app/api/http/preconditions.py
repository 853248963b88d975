"""ETag, If-Match and If-None-Match (RFC 9110) of routes."""

import re
from typing import Annotated, Any, Literal, Protocol

from fastapi import Depends, Header, Response
from pydantic import StringConstraints, WithJsonSchema

from app.api.http.dependencies import ServicesDep
from app.domain.preconditions import Precondition
from app.errors import PreconditionRequired
from app.services.bundle import Services

ENTITY_TAG = re.compile(r'(?:W/)?"([!#-~]*)"')
TAG_LIST = r'(W/)?"[!#-~]{0,64}"(, ?(W/)?"[!#-~]{0,64}"){0,19}'
TAGS_PATTERN = r"^(\*|" + TAG_LIST + ")$"
REVALIDATE = "private, no-cache"
NOT_MODIFIED = 304

TAGGED: dict[str, Any] = {
    "headers": {"ETag": {"schema": {"type": "string"}, "description": "The version of the record, for `If-Match`."}}
}
UNCHANGED: dict[str, Any] = {"description": "The record has not changed.", **TAGGED}


class Tagged(Protocol):
    """A record with an ETag."""

    @property
    def etag(self) -> str: ...


Tags = Annotated[str, StringConstraints(pattern=TAGS_PATTERN)]
IfMatch = Annotated[
    Tags | None,
    Header(
        alias="If-Match",
        description="Change the record only if its ETag is one of these; `*` means any.",
        examples=['"1b9d6bcd4e5f"'],
    ),
]
IfNoneMatchAny = Annotated[
    Annotated[Literal["*"], WithJsonSchema({"type": "string", "pattern": r"^\*$"})] | None,
    Header(alias="If-None-Match", description="`*`: create the record, never replace one.", examples=["*"]),
]
IfNoneMatch = Annotated[
    Tags | None,
    Header(alias="If-None-Match", description="Return 304 if the ETag is one of these.", examples=['"1b9d6bcd4e5f"']),
]


async def _to_change(services: ServicesDep, if_match: IfMatch = None) -> Precondition:
    """The precondition of PATCH and DELETE."""
    return _precondition(services, if_match, None)


async def _to_put(
    services: ServicesDep, if_match: IfMatch = None, if_none_match: IfNoneMatchAny = None
) -> Precondition:
    """The precondition of PUT."""
    return _precondition(services, if_match, if_none_match)


ToChange = Annotated[Precondition, Depends(_to_change)]
ToPut = Annotated[Precondition, Depends(_to_put)]


def _precondition(services: Services, if_match: str | None, if_none_match: str | None) -> Precondition:
    if if_none_match is not None:
        return Precondition(exists=False)
    if if_match is None:
        if services.settings.require_if_match:
            raise PreconditionRequired("Send If-Match with the ETag that you read, or If-None-Match: * to create.")
        return Precondition()
    return Precondition(exists=True) if if_match == "*" else Precondition(_tags(if_match))


def _tags(header: str) -> frozenset[str]:
    return frozenset(ENTITY_TAG.findall(header))


def tag(response: Response, thing: Tagged) -> None:
    """Sets the ETag of a response."""
    response.headers["ETag"] = f'"{thing.etag}"'
    response.headers["Cache-Control"] = REVALIDATE


def unchanged(thing: Tagged, if_none_match: str | None) -> Response | None:
    """Returns a response with status 304 if the client has the current version, otherwise None."""
    if if_none_match is None or (if_none_match != "*" and thing.etag not in _tags(if_none_match)):
        return None
    response = Response(status_code=NOT_MODIFIED)
    tag(response, thing)
    return response
