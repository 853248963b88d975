"""/v1/events:ga4"""

from fastapi import APIRouter

from app.api.http.dependencies import ServicesDep
from app.api.http.security import Sender
from app.api.routes.events import WatchedRoute
from app.api.routes.senders.receiving import receive
from app.api.schemas.senders.ga4 import Ga4In
from app.api.schemas.senders.messages import Line, Received

router = APIRouter(prefix="/v1", tags=["events"], route_class=WatchedRoute)


@router.post("/events:ga4", status_code=202)
def send_ga4_events(body: Ga4In, principal: Sender, services: ServicesDep) -> Received:
    """Store events in the body of Google Analytics' Measurement Protocol, or none of them if some are invalid.

    Each item of an event becomes an event. Its type is the name of Google's event (`view_item_list` and
    `view_promotion` become `impression`, `select_item` becomes `click`); the value of purchases and returns is the
    price times the quantity. Events and items without an `item_id` are counted as `skipped`.

    A request is stored once, however often it is sent with the same `timestamp_micros`. It can hold up to 500 events.

    Send the key in a header, as everywhere; an `api_secret` in the URL is refused.
    """
    return receive(services, principal, body.messages(), Line)
