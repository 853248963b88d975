"""/v1/outcomes"""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from app.api.http.dependencies import ServicesDep
from app.api.http.routing.operations import Operation
from app.api.http.security import ProjectForAdmin
from app.api.schemas.models.outcomes import Compared, OutcomeComparison, OutcomesView
from app.services.models.outcomes import MOST_DAYS, compared, differences, grouped

router = APIRouter(prefix="/v1", tags=["models"], route_class=Operation)
Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="The number of days up to the last one.", examples=[7])]
LastDay = Annotated[
    date | None,
    Query(
        alias="to",
        description=f"The last day (UTC), of the last {MOST_DAYS} days; the default is the time up to now.",
        examples=["2026-11-24"],
    ),
]
Name = Annotated[
    str,
    Query(
        max_length=128,
        description="A version, scenario or recommender; empty for no scenario.",
        examples=["v20261124T101500123456-c3d4"],
    ),
]
Against = Annotated[
    str, Query(max_length=128, description="The one to compare it with.", examples=["v20261123T101500123456-a1b2"])
]
By = Annotated[
    list[Literal["version", "scenario", "source", "day"]],
    Query(description="The fields to group outcomes by.", examples=[["version", "scenario"]]),
]


@router.get("/outcomes")
def get_outcomes(
    project: ProjectForAdmin,
    services: ServicesDep,
    days: Days = 7,
    by: By = ["version"],  # noqa: B006 - FastAPI copies it
    last: LastDay = None,
) -> OutcomesView:
    """Get click-through, conversion and revenue from events that have a `recommendation_id`.

    They lag behind events by about a minute. `comparisons` tests versions against the active version.
    """
    names = list(dict.fromkeys(by))
    active = services.rollout.active(project)
    cells = services.outcomes.of(project, days, last)
    comparisons = compared(cells, active.version) if active else []
    return OutcomesView.of(days, names, grouped(cells, names), comparisons)


@router.get("/outcomes/comparison")
def compare_outcomes(
    project: ProjectForAdmin,
    services: ServicesDep,
    by: Annotated[Compared, Query(description="What to compare.", examples=["version"])],
    name: Name,
    against: Against,
    days: Days = 7,
    last: LastDay = None,
) -> OutcomeComparison:
    """Compare the outcomes of two versions, scenarios or recommenders.

    Versions that share the users of a rollout can be compared fairly; scenarios are shown in different places.
    """
    cells = services.outcomes.of(project, days, last)
    return OutcomeComparison.of(by, name, against, differences(cells, by, name, against))
