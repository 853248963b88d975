"""/v1/usage"""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from app import prices
from app.api.admin_schemas import UsageDay, UsageView
from app.api.deps import Given
from app.api.problems import responses
from app.api.security import CanAdminister
from app.domain import Usage
from app.errors import InvalidInput

router = APIRouter(prefix="/v1", tags=["usage"])
MOST_DAYS = 400
FirstDay = Annotated[date | None, Query(alias="from", description="First day, UTC; 30 days before the last.")]
LastDay = Annotated[date | None, Query(alias="to", description="Last day, UTC; today.")]


@router.get("/usage", operation_id="getUsage", summary="Get usage", responses=responses())
def get(project: CanAdminister, services: Given, first: FirstDay = None, last: LastDay = None) -> UsageView:
    """Requests, events, consumed units and estimated US dollars by day. The last seconds may be missing."""
    last = last or services.clock().date()
    first = first or last - timedelta(days=min(30, (last - date.min).days))
    if first > last or (last - first).days >= MOST_DAYS:
        raise InvalidInput(f"`from` must not be after `to`, nor {MOST_DAYS} days or more before it.")
    days = [_day(used) for used in services.usage.days(project, first, last)]
    return UsageView(days=days, estimated_usd=sum(day.estimated_usd for day in days), prices_as_of=prices.AS_OF)


def _day(used: Usage) -> UsageDay:
    dollars = prices.dollars(
        requests=round(used.requests),
        read_units=used.read_units,
        write_units=used.write_units,
        milliseconds=used.milliseconds,
    )
    return UsageDay(
        day=used.day,
        requests=round(used.requests),
        events=round(used.events),
        recommendations=round(used.recommendations),
        read_units=used.read_units,
        write_units=used.write_units,
        estimated_usd=dollars,
    )
