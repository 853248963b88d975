"""/v1/events:segment"""

from fastapi import APIRouter

from app.api.http.dependencies import ServicesDep
from app.api.http.security import Sender
from app.api.routes.events import WatchedRoute
from app.api.routes.senders.receiving import receive
from app.api.schemas.senders.messages import Received
from app.api.schemas.senders.segment import SegmentIn, SegmentProduct, messages_of

router = APIRouter(prefix="/v1", tags=["events"], route_class=WatchedRoute)


@router.post("/events:segment", status_code=202)
def send_segment_messages(body: SegmentIn, principal: Sender, services: ServicesDep) -> Received:
    """Store the events in messages of Segment's Spec, or none of them if some are invalid.

    Takes a message, a list of messages (as webhooks send batches), or `{"batch": [...]}` (as libraries do).

    Each product of a `track`, `page` or `screen` message becomes an event for the item `product_id`. Its type is the
    name of the `track` event, or `page_view` or `screen_view`; the value of purchases and returns is the price times
    the quantity. Messages and products without a `product_id` are counted as `skipped`.

    A message is stored once, however often it is sent with the same `timestamp` and `messageId`. A request can hold up
    to 500 events.
    """
    return receive(services, principal, messages_of(body), SegmentProduct)
