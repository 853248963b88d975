"""/v1/events"""

from collections.abc import Sequence

from fastapi import APIRouter

from app import telemetry
from app.api.http.dependencies import ServicesDep
from app.api.http.idempotency import RepeatableRoute
from app.api.http.security import ProjectForWriting
from app.api.schemas.events import Accepted, EventIn, EventsIn
from app.services.bundle import Services

router = APIRouter(prefix="/v1", tags=["events"], route_class=RepeatableRoute)


@router.post("/events", status_code=202)
def send_events(body: EventsIn, project: ProjectForWriting, services: ServicesDep) -> Accepted:
    """Store 1 to 500 events, or none of them if some are invalid; the problem names each invalid one.

    Impressions, clicks (`click` or `view`) and purchases (with the revenue as `value`) count in `GET /v1/outcomes` if
    they have the `recommendation_id` of the response that showed the item.

    A request that gets a 503 may have stored some of the events. Send it again with the same timestamps, or with the
    same Idempotency-Key: the rest is stored, and no event twice.

    An event is stored once, however often it is sent with the same timestamp (and the same event_id, if it has one).
    """
    return accept(services, project, body.events, "/events/{}/recommendation_id")


def accept(services: Services, project: str, events: Sequence[EventIn], pointer: str) -> Accepted:
    """Store events, and count them in the request's log; events without a timestamp get the current time.

    Args:
        services: the services.
        project: the project of the events.
        events: the events.
        pointer: the JSON pointer of a recommendation_id; `{}` stands for the position of its event.

    Raises:
        InvalidToken: a recommendation_id is not from this project, or its list does not hold the event's item.
        Erased: some events belong to erased users.
    """
    now = services.clock.now()
    records = [event.record(event.owner, now) for event in events]
    attributed = services.events.attribute(project, records, [event.recommendation_id for event in events], pointer)
    services.events.accept(project, attributed)
    telemetry.current().events += len(attributed)
    return Accepted(accepted=len(events), freshness_token=services.tokens.freshness(project, now))
