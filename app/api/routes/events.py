"""/v1/events"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError

from app import telemetry
from app.api.http import validation
from app.api.http.dependencies import ServicesDep
from app.api.http.idempotency import RepeatableRoute
from app.api.http.problems import status_of
from app.api.http.security import Sender
from app.api.schemas.events import Accepted, EventIn, EventsIn
from app.domain.access import Principal
from app.domain.events import Event
from app.errors import Erased, Forbidden, InvalidInput
from app.services.bundle import Services


class WatchedRoute(RepeatableRoute):
    """A route whose refusals of what a request says are listed by `GET /v1/event-refusals`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_watched(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                body = self.body_field and self.body_field.field_info.annotation
                described = await run_sync(validation.of_request, error.errors(), body)
                await _remember(request, described)
                raise
            except (InvalidInput, Forbidden, Erased) as error:
                await _remember(request, error)
                raise

        return handle_watched


async def _remember(request: Request, error: InvalidInput | Forbidden | Erased) -> None:
    services: Services = request.app.state.services
    principal: Principal = request.scope["principal"]
    places = () if isinstance(error, Erased) else error.errors
    await run_sync(services.refusals.add, principal.project, status_of(error), error.detail, places)


router = APIRouter(prefix="/v1", tags=["events"], route_class=WatchedRoute)


@router.post("/events", status_code=202)
def send_events(body: EventsIn, principal: Sender, services: ServicesDep) -> Accepted:
    """Store 1 to 500 events, or none of them if some are invalid; the problem names each invalid one.

    Impressions, clicks (`click` or `view`) and purchases (with the revenue as `value`) count in `GET /v1/outcomes` if
    they have the `recommendation_id` of the response that showed the item.

    A request that gets a 503 may have stored some of the events. Send it again with the same timestamps, or with the
    same Idempotency-Key: the rest is stored, and no event twice.

    An event is stored once, however often it is sent with the same timestamp (and the same event_id, if it has one).
    A deployment that keeps events for a number of days refuses older ones.

    A token of a user or session whose key has the scope `events:own` may send up to 50 events of the last 24 hours, of
    its own user or session, which they need not name. Their types must be usual ones or declared by the project, their
    recommendation_ids those of lists that were made with such a token, and only ratings may have a value.
    """
    places = [f"/events/{position}" for position in range(len(body.events))]
    return accept(services, principal, body.events, places)


def accept(services: Services, principal: Principal, sent: Sequence[EventIn], places: Sequence[str]) -> Accepted:
    """Store events, and count them in the request's log; events without a timestamp get the current time.

    Args:
        services: the services.
        principal: who sends them; credentials of one user limit them.
        sent: the events.
        places: the JSON pointer of each event.

    Raises:
        Forbidden: some events are of another user.
        InvalidInput: some events say what these credentials may not say, or are older than events are kept.
        InvalidToken: a recommendation_id is not from this project or user, or its list does not hold the event's item.
        Erased: some events belong to erased users.
    """
    now = services.clock.now()
    records = [event.record(event.owner, now) for event in sent]
    store(services, principal, records, [event.recommendation_id for event in sent], places)
    return Accepted(accepted=len(sent), freshness_token=services.tokens.freshness(principal.project, now))


def store(
    services: Services,
    principal: Principal,
    records: Sequence[Event],
    recommendation_ids: Sequence[str | None],
    places: Sequence[str],
) -> None:
    """Store events as `accept` does, each with the recommendation_id of the list that showed its item, if any."""
    project, only_own = principal.project, principal.sends_only_own
    if only_own:
        records = services.own_events.checked(principal, records, places)
    services.events.check_age(records, places)
    attributed = services.events.attribute(project, records, recommendation_ids, places, only_own=only_own)
    services.events.accept(project, attributed)
    telemetry.current().events += len(attributed)
