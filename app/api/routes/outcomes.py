"""/v1/outcomes"""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from app.api.http.dependencies import ServicesDep
from app.api.http.problems import responses
from app.api.http.query_parameters import StrictRoute
from app.api.http.security import CanAdminister
from app.api.schemas.rollout import OutcomesView
from app.services.models.outcomes import compared, grouped

MOST_DAYS = 90
router = APIRouter(prefix="/v1", tags=["models"], route_class=StrictRoute)
Days = Annotated[int, Query(ge=1, le=MOST_DAYS)]
By = Annotated[list[Literal["version", "scenario", "source"]], Query(description="What outcomes are summed up by.")]


@router.get("/outcomes", operation_id="getOutcomes", summary="Get outcomes", responses=responses())
def outcomes(project: CanAdminister, services: ServicesDep, days: Days = 7, by: By = ["version"]) -> OutcomesView:  # noqa: B006 - FastAPI copies it
    """What became of recommendations: click-through, conversion and revenue of the events that name their answer.

    They follow the events by about a minute. `comparisons` says which versions are better than the active one.
    """
    names = list(dict.fromkeys(by))
    active = services.rollout.active(project)
    found = services.outcomes.of(project, days)
    comparisons = compared(found, active.version) if active else []
    return OutcomesView.of(days, names, grouped(found, names), comparisons)
