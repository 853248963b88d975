"""The bodies of event types and of the settings of a project."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.api.schemas.access.keys import MOST_ORIGINS, Origin
from app.api.schemas.fields import Body, View
from app.domain.event_types import EventType, ProjectSettings

Positive = Annotated[float, Field(ge=0, le=10)]
Signed = Annotated[float, Field(ge=-10, le=10)]
LEARNING = "The weight in training."
SERVING = "The weight in a user's history. A negative type lowers similar items and excludes its own."
LISTS = "The weight in popular and trending lists."
UnknownItems = Annotated[
    bool | None,
    Field(
        description="Whether items without a record are recommended; null: as long as the project has no items.",
        examples=[False],
    ),
]

ProjectOrigins = Annotated[
    tuple[Origin, ...],
    Field(
        max_length=MOST_ORIGINS,
        strict=False,
        description="The web origins whose pages can use the keys without origins of their own; empty: pages of other "
        "origins than the server's cannot read responses.",
        examples=[["https://shop.example"]],
    ),
]


class EventTypeIn(Body):
    """The weights of an event type; those that are left out are the defaults of its meaning."""

    learning: Annotated[Positive | None, Field(description=LEARNING, examples=[2.0])] = None
    serving: Annotated[Signed | None, Field(description=SERVING, examples=[2.0])] = None
    lists: Annotated[Positive | None, Field(description=LISTS, examples=[0.5])] = None
    means: Annotated[
        Literal["purchase", "return"] | None,
        Field(description="What events of the type are, if the name does not say so.", examples=["purchase"]),
    ] = None

    def changes(self) -> dict[str, float]:
        weights = self.model_dump(exclude={"means"})
        return {name: weight for name, weight in weights.items() if weight is not None}


class WeightsView(View):
    learning: Annotated[float, Field(description=LEARNING, examples=[2.0])]
    serving: Annotated[float, Field(description=SERVING, examples=[2.0])]
    lists: Annotated[float, Field(description=LISTS, examples=[0.5])]


class EventTypeView(BaseModel):
    event_type: Annotated[str, Field(description="The event type, as it was sent.", examples=["AddToCart"])]
    kind: Annotated[
        str | None,
        Field(
            description="What the project or the name says; null if that is unknown, and it counts like a view.",
            examples=["cart"],
        ),
    ]
    weights: WeightsView
    is_default: Annotated[bool, Field(description="Whether the weights are the defaults.", examples=[False])]
    count: Annotated[
        int, Field(description="The number of events that arrived in the window of popular lists.", examples=[1250])
    ]

    @classmethod
    def of(cls, event_type: EventType) -> "EventTypeView":
        return cls(
            event_type=event_type.name,
            kind=event_type.kind,
            weights=WeightsView.model_validate(event_type.weights),
            is_default=not event_type.is_own,
            count=event_type.count,
        )


class EventTypeList(BaseModel):
    event_types: Annotated[list[EventTypeView], Field(description="The event types, the most frequent first.")]


class SettingsIn(Body):
    """What the project decides."""

    recommend_unknown_items: UnknownItems = None
    origins: ProjectOrigins = ()


class SettingsView(BaseModel):
    recommend_unknown_items: UnknownItems
    origins: ProjectOrigins

    @classmethod
    def of(cls, settings: ProjectSettings) -> "SettingsView":
        return cls(recommend_unknown_items=settings.unknown_items, origins=settings.origins)
