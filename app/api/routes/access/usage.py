"""/v1/usage"""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from app import prices
from app.api.http.dependencies import ServicesDep
from app.api.http.routing.operations import Operation
from app.api.http.security import ProjectForAdmin
from app.api.schemas.access.usage import UsageDay, UsageParts, UsageView
from app.domain.access import DailyUsage
from app.services.usage import dollars, parts

router = APIRouter(prefix="/v1", tags=["usage"], route_class=Operation)
LastDay = Annotated[
    date | None, Query(alias="to", description="The last day (UTC); the default is today.", examples=["2026-11-24"])
]
Days = Annotated[int, Query(ge=1, le=400, description="The number of days up to the last day.", examples=[30])]


@router.get("/usage")
def get_usage(project: ProjectForAdmin, services: ServicesDep, last: LastDay = None, days: Days = 30) -> UsageView:
    """Get requests, events, consumed units and estimated US dollars by day. The last seconds can be missing."""
    last = last or services.clock.now().date()
    first = date.fromordinal(max(1, last.toordinal() - days + 1))
    front = services.settings.front
    used = [_day(usage, front) for usage in services.usage.days(project, first, last)]
    return UsageView(days=used, estimated_usd=sum(day.estimated_usd for day in used), prices_as_of=prices.AS_OF)


def _day(used: DailyUsage, front: prices.Front) -> UsageDay:
    return UsageDay(
        day=used.day,
        requests=round(used.requests),
        events=round(used.events),
        recommendations=round(used.recommendations),
        read_units=used.read_units,
        write_units=used.write_units,
        estimated_usd=dollars(used, front),
        parts=UsageParts(**parts(used, front)),
    )
