"""/v1/outcomes"""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from app.api.http.dependencies import ServicesDep
from app.api.http.operations import Operation
from app.api.http.security import ProjectForAdmin
from app.api.schemas.models.rollout import OutcomesView
from app.services.models.outcomes import compared, grouped

MOST_DAYS = 90
router = APIRouter(prefix="/v1", tags=["models"], route_class=Operation)
Days = Annotated[int, Query(ge=1, le=MOST_DAYS, description="The number of days up to now.", examples=[7])]
By = Annotated[
    list[Literal["version", "scenario", "source"]],
    Query(description="The fields to group outcomes by.", examples=[["version", "scenario"]]),
]


@router.get("/outcomes")
def get_outcomes(project: ProjectForAdmin, services: ServicesDep, days: Days = 7, by: By = ["version"]) -> OutcomesView:  # noqa: B006 - FastAPI copies it
    """Get click-through, conversion and revenue from events that have a `recommendation_id`.

    They lag behind events by about a minute. `comparisons` tests versions against the active version.
    """
    names = list(dict.fromkeys(by))
    active = services.rollout.active(project)
    by_attribution = services.outcomes.of(project, days)
    comparisons = compared(by_attribution, active.version) if active else []
    return OutcomesView.of(days, names, grouped(by_attribution, names), comparisons)
