"""Dependencies and parameters of routes: the services, ids and page bounds."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import WithJsonSchema

from app.api.schemas.fields import Anytime, BoostField, FilterField, Id
from app.api.schemas.records import MAX_LIMIT, MAX_RECORDS, FieldsQuery, ItemFieldsQuery
from app.domain.fields import ID_PATTERN, ID_RULE
from app.services.access.secret_keys import KEY_ID_PATTERN
from app.services.bundle import Services


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _services(request: Request) -> Services:
    return services_of(request)


ServicesDep = Annotated[Services, Depends(_services)]


_ID = Path(pattern=ID_PATTERN, description=ID_RULE)
ItemId = Annotated[str, _ID]
UserId = Annotated[str, _ID]
SessionId = Annotated[str, _ID]
ProjectId = Annotated[str, _ID]
ScenarioId = Annotated[str, _ID]
KeyId = Annotated[str, Path(pattern=KEY_ID_PATTERN, description="The 12 characters after `sk_`.")]
JobId = Annotated[
    str, Path(pattern=ID_PATTERN, description="The id of the job.", examples=["j20261126T101500123456-a1b2"])
]
ImportId = Annotated[
    str,
    Path(
        pattern=ID_PATTERN,
        description="The `import_id` of the import's job.",
        examples=["i0f8fad5bd9cb469f"],
    ),
]
VersionId = Annotated[
    str, Path(pattern=ID_PATTERN, description="The id of the version.", examples=["v20261123T101500123456-a1b2"])
]
Cursor = Annotated[
    str | None,
    Query(
        max_length=2_000,
        description="The `next_cursor` of the previous page.",
        examples=["eyJpIjoic2t1LTEwNDIifQ.c2lnbmF0dXJl"],
    ),
]
PageLimit = Annotated[int, Query(ge=1, le=MAX_RECORDS, description="The most records of a page.", examples=[50])]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="The number of items.", examples=[10])]
CategoryName = Annotated[
    str | None, Query(min_length=1, max_length=100, description="Only items of this category.", examples=["kitchen"])
]
WithProperties = Annotated[
    bool,
    Query(
        alias="properties",
        description="Include the items' categories and properties. If `fields` is sent, it decides.",
        examples=[True],
    ),
]
Fields = Annotated[FieldsQuery, Query()]
ItemFields = Annotated[ItemFieldsQuery, Query()]
FilterQuery = Annotated[FilterField, Query()]
BoostQuery = Annotated[BoostField, Query()]
UserOf = Annotated[Id | None, Query(description="Only events of this user.", examples=["ann"])]
SessionOf = Annotated[Id | None, Query(description="Only events of this session.", examples=["c2Vzc2lvbg"])]
ItemOf = Annotated[Id | None, Query(description="Only events about this item.", examples=["sku-1042"])]
EventTypeOf = Annotated[Id | None, Query(description="Only events of this type.", examples=["view"])]
Time = Annotated[Anytime, WithJsonSchema({"type": "string", "format": "date-time"})]
FromTime = Annotated[
    Time | None,
    Query(description="Only events at this time or later: ISO 8601 with an offset.", examples=["2026-01-31T12:00:00Z"]),
]
ToTime = Annotated[
    Time | None,
    Query(description="Only events before this time: ISO 8601 with an offset.", examples=["2026-02-28T12:00:00Z"]),
]
