"""/v1/events"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import Discriminator, Tag

from app.api.http.conditions import Repeatable, RepeatableRoute
from app.api.http.dependencies import ServicesDep
from app.api.http.problems import TAGS, WITH_BODY, responses
from app.api.http.security import CanWrite
from app.api.schemas.records import Accepted, EventIn, EventsIn
from app.services.bundle import Services

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
    responses=responses(400, 409, *WITH_BODY),
    dependencies=[Repeatable],
)
def send(body: EventBody, project: CanWrite, services: ServicesDep) -> Accepted:
    """Send one event, or up to 500 as `events`: all are accepted, or all refused with every bad one named.

    With the `recommendation_id` of the answer that showed the item, an impression, a click (`click` or `view`) or a
    purchase (its `value` is the revenue) counts in `GET /v1/outcomes`.

    An event that is sent again with its timestamp (and event_id, if it had one) is stored once.
    """
    if isinstance(body, EventsIn):
        return accept(services, project, body.events, batch=True)
    return accept(services, project, [body])


def accept(services: Services, project: str, events: Sequence[EventIn], *, batch: bool = False) -> Accepted:
    """Store events; the ones without a timestamp get the current time.

    Raises:
        InvalidToken: a recommendation_id is not from this project, or its list does not hold the event's item.
        Erased: some events belong to erased users.
    """
    now = services.clock.now()
    records = [event.record(event.owner, now) for event in events]
    pointer = "/events/{}/recommendation_id" if batch else "/recommendation_id"
    attributed = services.events.attribute(project, records, [event.recommendation_id for event in events], pointer)
    services.events.accept(project, attributed)
    return Accepted(accepted=len(events), freshness_token=services.tokens.freshness(project, now))
