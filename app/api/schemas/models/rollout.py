"""The bodies of the rollout."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field

from app.api.schemas.fields import Body, Id
from app.domain.models import ActiveModel
from app.services.models.rollout import WHOLE, Split

MAX_VERSIONS = 10
Share = Annotated[float, Field(gt=0, le=WHOLE)]


class RolloutIn(Body):
    """The shares of users by model version."""

    shares: Annotated[
        dict[Id, Share],
        Field(
            min_length=1,
            max_length=MAX_VERSIONS,
            description="The shares of users by version, in proportion to each other. Users stay with their version.",
            examples=[{"v20261123T101500123456-a1b2": 90, "v20261124T101500123456-c3d4": 10}],
            json_schema_extra={"additionalProperties": False},
        ),
    ]
    interleaved: Annotated[
        bool,
        Field(description="Mix the lists of other versions with the active version's, item by item.", examples=[False]),
    ] = False
    shadows: Annotated[
        list[Id],
        Field(
            max_length=MAX_VERSIONS,
            description="Versions whose lists are compared but never shown.",
            examples=[["v20261124T101500123456-c3d4"]],
        ),
    ] = Field(default_factory=list)
    shadow_share: Annotated[
        float,
        Field(
            gt=0,
            le=WHOLE,
            description="The percentage of responses that a shadow is compared with.",
            examples=[10],
        ),
    ] = 10.0

    def record(self) -> Split:
        return Split(self.shares, self.interleaved, self.shadows, self.shadow_share)


class RolloutView(BaseModel):
    active: Annotated[
        str, Field(description="The active version: it serves users without an id, and others are compared with it.")
    ]
    previous: Annotated[str | None, Field(description="The version that was active before: activate it to roll back.")]
    activated_at: Annotated[
        datetime, Field(description="The time when the version was activated.", examples=["2026-11-24T10:15:00Z"])
    ]
    shares: Annotated[dict[str, float], Field(description="The shares in percent.")]
    interleaved: Annotated[
        bool, Field(description="Whether lists of other versions are mixed with the active one's.", examples=[False])
    ]
    shadows: Annotated[list[str], Field(description="Versions whose lists are only compared.")]
    shadow_share: Annotated[float, Field(description="The percentage of responses that shadows are compared with.")]

    @classmethod
    def of(cls, active: ActiveModel) -> Self:
        return cls(
            active=active.version,
            previous=active.previous,
            activated_at=active.activated_at,
            shares={variant.version: variant.share * WHOLE for variant in active.variants} or {active.version: WHOLE},
            interleaved=active.interleaved,
            shadows=[shadow.version for shadow in active.shadows],
            shadow_share=sum(shadow.share for shadow in active.shadows) * WHOLE,
        )
