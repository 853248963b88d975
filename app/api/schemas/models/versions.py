"""The bodies of requests and responses about model versions."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.api.schemas.fields import Body, View
from app.domain.models import VersionState


class TrainingIn(Body):
    force: Annotated[bool, Field(description="Activate the version even if it is clearly worse.", examples=[False])] = (
        False
    )


class VersionView(View):
    version: Annotated[str, Field(description="The id of the version.", examples=["v20261123T101500123456-a1b2"])]
    state: Annotated[VersionState, Field(description="The state of the version.", examples=["ready"])]
    active: Annotated[bool, Field(description="Whether the version is the active one.", examples=[True])]
    created_at: Annotated[
        datetime, Field(description="The time when the training was requested.", examples=["2026-11-24T10:15:00Z"])
    ]
    heartbeat_at: Annotated[
        datetime,
        Field(description="The time of the last sign of life of the training.", examples=["2026-11-24T10:15:00Z"]),
    ]
    phase: Annotated[str, Field(description="The phase of the training.", examples=["publishing"])]
    progress: Annotated[float, Field(description="The progress from 0 to 1.", examples=[1.0])]
    parameters: Annotated[
        dict[str, Any], Field(description="The parameters of the training.", examples=[{"neighbors": 100}])
    ]
    chosen_at: Annotated[
        datetime | None,
        Field(
            description="The time when the parameters were chosen, by this or an earlier training; null until then.",
            examples=["2026-11-24T10:15:00Z"],
        ),
    ]
    metrics: Annotated[
        dict[str, Any],
        Field(
            description="Quality on held-out events, and of popular items (`popularity_`). The 95 % interval of a mean "
            "over users is the value plus or minus its `_margin`.",
            examples=[{"ndcg": 0.12, "ndcg_margin": 0.01, "popularity_ndcg": 0.08, "popularity_ndcg_margin": 0.009}],
        ),
    ]
    counts: Annotated[
        dict[str, int],
        Field(description="The numbers of users, items and events.", examples=[{"users": 1200, "items": 340}]),
    ]
    detail: Annotated[str | None, Field(description="Why the version failed or was not activated.")]
    seconds: Annotated[float | None, Field(description="The duration of the training in seconds.", examples=[42.5])]


class ActiveView(View):
    version: Annotated[str, Field(description="The active version.", examples=["v20261123T101500123456-a1b2"])]
    previous: Annotated[str | None, Field(description="The version that was active before.")]
    activated_at: Annotated[
        datetime, Field(description="The time of the activation.", examples=["2026-11-24T10:15:00Z"])
    ]


class VersionPage(BaseModel):
    versions: Annotated[list[VersionView], Field(description="The versions, newest first.")]
    next_cursor: Annotated[str | None, Field(description="The cursor of the next page; null on the last page.")]
