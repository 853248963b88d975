"""Records in batches and lists: how many, by which scenario, and what each carries."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.api.schemas.fields import Id
from app.domain.fields import (
    ITEM_FIELDS,
    MOST_CHARACTERS,
    PROPERTIES,
    REASON_FIELDS,
    REASONS,
    RECOMMENDATION_FIELDS,
    Selection,
)
from app.domain.recommendations import RecommendationRequest

MAX_EVENTS = 500
MAX_RECORDS = 100
MAX_LIMIT = 100
MAX_RANKED = 500
UNKNOWN_NAME = "unknown_name"
MAX_FIELDS = 50
LONGEST_PROPERTY = 200
OF_RECOMMENDATIONS = (*RECOMMENDATION_FIELDS, *(f"{REASONS}.{name}" for name in REASON_FIELDS))
A_PROPERTY = re.compile(rf"{PROPERTIES}\.[^,]{{1,{LONGEST_PROPERTY}}}")


class Stored(BaseModel):
    changed: Annotated[int, Field(description="The number of records that were new or different.")]


ScenarioField = Annotated[
    Id | None,
    Field(
        description="A stored scenario. Fields of the request win over its settings, but both filters apply.",
        examples=["home"],
    ),
]
PropertiesField = Annotated[
    bool,
    Field(
        description="Whether to include the categories and properties of the items. If `fields` is sent, it decides.",
        examples=[False],
    ),
]
ExplainField = Annotated[
    bool,
    Field(
        description="Whether to return all events behind each item, and what the list would be without each of them.",
        examples=[False],
    ),
]


def _known(names: Sequence[str]) -> Callable[[str], str]:
    def check(name: str) -> str:
        if A_PROPERTY.fullmatch(name):
            return name
        if name.startswith(f"{PROPERTIES}."):
            raise ValueError(f"{PROPERTIES}. must precede the name of a property: {LONGEST_PROPERTY} letters at most")
        if name not in names:
            context = {"name": name[:MOST_CHARACTERS], "names": tuple(names)}
            raise PydanticCustomError(UNKNOWN_NAME, "is not a field", context)
        return name

    return check


def _schema(names: Sequence[str]) -> dict[str, Any]:
    a_property = {"type": "string", "pattern": f"^{A_PROPERTY.pattern}$"}
    return {"anyOf": [{"type": "string", "enum": list(names)}, a_property]}


def _separated(value: object) -> object:
    """Names in a query are separated by commas, or in several parameters."""
    return [name for names in value for name in str(names).split(",")] if isinstance(value, list) else value


RecommendationName = Annotated[
    str, AfterValidator(_known(OF_RECOMMENDATIONS)), WithJsonSchema(_schema(OF_RECOMMENDATIONS))
]
ItemName = Annotated[str, AfterValidator(_known(ITEM_FIELDS)), WithJsonSchema(_schema(ITEM_FIELDS))]
SEVERAL = Field(min_length=1, max_length=MAX_FIELDS)
OF_LIST = Field(
    description="What each item carries besides its `item_id`: fields, single properties (`properties.price`) or parts "
    "of the reasons (`reasons.title`). Other fields are left out, and not computed. Without it, an item carries all "
    "fields.",
    examples=[["title", "score", "properties.price"]],
)
FieldsField = Annotated[Annotated[list[RecommendationName], SEVERAL] | None, OF_LIST]
FieldsQuery = Annotated[Annotated[list[RecommendationName], SEVERAL, BeforeValidator(_separated)] | None, OF_LIST]
ItemFieldsQuery = Annotated[
    Annotated[list[ItemName], SEVERAL, BeforeValidator(_separated)] | None,
    Field(
        description="What each item carries besides its `item_id`: fields, or single properties (`properties.price`). "
        "Other fields are left out. Without it, an item carries all fields.",
        examples=[["title", "properties.price"]],
    ),
]


def left_out(selection: Selection, fields: Sequence[str] = RECOMMENDATION_FIELDS) -> dict[str, Any]:
    """Returns what of a view a response does not carry, in the form that pydantic excludes it.

    Args:
        selection: the fields that its items carry.
        fields: the fields that its items have.
    """
    return {"items": {"__all__": selection.left_out(fields)}}


def selection(names: Sequence[str] | None) -> Selection | None:
    """Returns the selection of these names; None if none were sent."""
    return None if names is None else Selection(tuple(dict.fromkeys(names)))


def short_request(
    limit: int, filter_: str | None, boost: str | None, fields: Sequence[str] | None, *, properties: bool
) -> RecommendationRequest:
    """Returns a request for a list that takes no settings of scenarios."""
    return RecommendationRequest(
        overrides={"limit": limit, "boost": boost}, filter=filter_, properties=properties, selection=selection(fields)
    )
