"""/v1/events"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import Discriminator, Tag

from app.api.conditions import Repeatable, RepeatableRoute
from app.api.deps import Given, Services
from app.api.problems import TAGS, WITH_BODY, responses
from app.api.schemas import Accepted, EventIn, EventsIn
from app.api.security import CanWrite

router = APIRouter(prefix="/v1", tags=["events"], route_class=RepeatableRoute)
ONE, MANY = TAGS

EXAMPLES: dict[str, Any] = {
    "one": {"value": {"user_id": "ann", "item_id": "sku-1042", "event_type": "purchase"}},
    "batch": {
        "value": {
            "events": [
                {"user_id": "ann", "item_id": "sku-1042", "event_type": "view", "timestamp": "2026-01-31T12:00:00Z"},
                {"user_id": "bob", "item_id": "sku-7", "event_type": "rating", "value": 4.5},
            ]
        }
    },
}


def _form(body: object) -> str:
    return MANY if isinstance(body, EventsIn) or (isinstance(body, dict) and "events" in body) else ONE


EventBody = Annotated[
    Annotated[EventIn, Tag(ONE)] | Annotated[EventsIn, Tag(MANY)],
    Discriminator(_form),
    Body(openapi_examples=EXAMPLES),
]


@router.post(
    "/events",
    operation_id="sendEvents",
    summary="Send events",
    status_code=202,
    responses=responses(409, *WITH_BODY),
    dependencies=[Repeatable],
)
def send(body: EventBody, project: CanWrite, services: Given) -> Accepted:
    """Send one event, or up to 500 as `events`: all are accepted, or all refused with every bad one named.

    An event that is sent again with its timestamp (and event_id, if it had one) is stored once.
    """
    return accept(services, project, body.events if isinstance(body, EventsIn) else [body])


def accept(services: Services, project: str, events: Sequence[EventIn]) -> Accepted:
    """Store events, those without a time at the present one."""
    now = services.clock()
    services.events.accept(project, [event.record(event.owner, now) for event in events])
    return Accepted(accepted=len(events), freshness_token=services.tokens.freshness(project, now))
