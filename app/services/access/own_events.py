"""Events that users send themselves, from a browser: what they may say is limited to what only they know."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b

from app.clock import Clock
from app.domain.access import Principal
from app.domain.events import Event
from app.errors import FieldError, Forbidden, InvalidInput
from app.recommender.events.kinds import RATING
from app.recommender.events.weights import Weights

MOST_EVENTS = 50
LONGEST_AGO, MOST_AHEAD = timedelta(days=1), timedelta(minutes=1)
HIGHEST_RATING = 100.0
PREFIX = "own-"
ID_BYTES = 9


class OwnEvents:
    def __init__(self, knows_type: Callable[[str, str], bool], weights: Callable[[str], Weights], clock: Clock) -> None:
        """`knows_type` says whether a project knows an event type, `weights` returns the weights of a project."""
        self._knows_type, self._weights, self._clock = knows_type, weights, clock

    def checked(self, principal: Principal, events: Sequence[Event], places: Sequence[str]) -> list[Event]:
        """Returns the events that credentials of one user send, with ids that no event of a server has.

        Otherwise a user could replace an event that the server sent, whose time and id a list's reasons show.

        Args:
            principal: the credentials.
            events: the events.
            places: the JSON pointer of each event.

        Raises:
            Forbidden: some events are of another user.
            InvalidInput: there are too many events, or some say what these credentials may not say.
        """
        if len(events) > MOST_EVENTS:
            error = FieldError("/events", f"has {len(events)} events; these credentials may send {MOST_EVENTS} at once")
            raise InvalidInput("There are too many events. Nothing was stored.", (error,))
        strangers = tuple(
            FieldError(f"{place}/{'user_id' if event.session_id is None else 'session_id'}", "is not that of the token")
            for place, event in zip(places, events, strict=True)
            if event.user_id != principal.user_id
        )
        if strangers:
            raise Forbidden("These credentials may only send events of their own user. Nothing was stored.", strangers)
        now = self._clock.now()
        errors = tuple(
            FieldError(place + field, detail)
            for place, event in zip(places, events, strict=True)
            for field, detail in self._mistakes(principal.project, event, now)
        )
        if errors:
            raise InvalidInput("Some events cannot be sent with these credentials. Nothing was stored.", errors)
        return [event._replace(event_id=_own_id(event)) for event in events]

    def _mistakes(self, project: str, event: Event, now: datetime) -> Iterator[tuple[str, str]]:
        """Yields the fields of an event that are not as they must be, and why."""
        if not self._knows_type(project, event.event_type):
            yield "/event_type", "is neither a usual event type nor one that PUT /v1/event-types has declared"
        if event.timestamp > now + MOST_AHEAD:
            yield "/timestamp", "must not be in the future"
        if event.timestamp < now - LONGEST_AGO:
            yield "/timestamp", "must be of the last 24 hours"
        if event.value is None:
            return
        if self._weights(project).kind(event.event_type) != RATING:
            yield "/value", "only ratings can have one here; send purchases with their revenue from your server"
        elif abs(event.value) > HIGHEST_RATING:
            yield "/value", f"a rating must be between -{HIGHEST_RATING:g} and {HIGHEST_RATING:g} here"


def _own_id(event: Event) -> str:
    return PREFIX + blake2b(event.event_id.encode(), digest_size=ID_BYTES).hexdigest()
