"""Accept events, each exactly once however often it is sent."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from app.config import Settings
from app.domain.events import Attribution, Event, EventKey, EventSelection, SelectedEvents
from app.domain.jobs import DeletionRequest
from app.domain.paging import Page
from app.errors import FieldError, InvalidInput, InvalidToken
from app.services.privacy.owner_digest import owner_digest
from app.services.privacy.tombstones import Tombstones
from app.services.tokens.signed import SignedTokens
from app.storage.events import EventStore as Store
from app.storage.selecting import Retention

NO_VERSION = "none"
"""The version of responses that were served before there was a model."""


NO_CONDITION = "Name at least one condition: a user_id, session_id, item_id, event_type, from_time or to_time."


def check_deletion(request: DeletionRequest) -> None:
    """Raises InvalidInput if a deletion has no condition, or conditions that no event meets."""
    if request == DeletionRequest():
        raise InvalidInput(NO_CONDITION)
    check_conditions(request.user_id, request.session_id, request.selection)


def check_conditions(user_id: str | None, session_id: str | None, selection: EventSelection) -> None:
    """Raises InvalidInput if no event can meet all conditions."""
    if user_id is not None and session_id is not None:
        detail = "is set together with a user_id; the events of a session that was merged are those of its user"
        raise InvalidInput("No event belongs to both a user and a session.", (FieldError("session_id", detail),))
    if selection.from_time is not None and selection.to_time is not None and selection.from_time >= selection.to_time:
        raise InvalidInput("No event meets both times.", (FieldError("to_time", "must be later than from_time"),))


class Events:
    def __init__(
        self, store: Store, tombstones: Tombstones, tokens: SignedTokens, settings: Settings, retention: Retention
    ) -> None:
        self._store, self._tombstones, self._tokens, self._settings = store, tombstones, tokens, settings
        self._retention = retention
        self.batch_size = store.batch_size
        """Number of events that are best accepted at once when there are many."""

    def kept_since(self) -> datetime | None:
        """Returns the time since which events are kept; older ones are not accepted. None if all are."""
        return self._retention.since()

    def check_age(self, events: Sequence[Event], places: Sequence[str]) -> None:
        """Raises InvalidInput if some events are so old that they would expire at once; `places` are their pointers."""
        since, days = self.kept_since(), self._settings.event_days
        if since is None:
            return
        detail = f"is more than {days} days ago; events are kept for {days} days after they happened"
        errors = tuple(
            FieldError(f"{place}/timestamp", detail)
            for event, place in zip(events, places, strict=True)
            if event.timestamp < since
        )
        if errors:
            raise InvalidInput("Some events are too old to be kept. Nothing was stored.", errors)

    def attribute(
        self,
        project: str,
        events: Sequence[Event],
        recommendation_ids: Sequence[str | None],
        places: Sequence[str],
        *,
        only_own: bool = False,
    ) -> list[Event]:
        """Returns the events with the version, scenario and source that recommended their items.

        Args:
            project: the project of the events.
            events: the events.
            recommendation_ids: the recommendation_id of each event, None for those that have none.
            places: the JSON pointer of each event.
            only_own: whether each list must have been made for the user or session of the event.

        Raises:
            InvalidToken: a recommendation_id is not from this project, its list does not hold the event's item, or
                it was made for someone else.
        """
        attributed, errors = list[Event](), list[FieldError]()
        for event, recommendation_id, place in zip(events, recommendation_ids, places, strict=True):
            try:
                attribution = (
                    self._attribution(project, recommendation_id, event, only_own=only_own)
                    if recommendation_id
                    else None
                )
            except InvalidToken as error:
                errors.append(FieldError(place + "/recommendation_id", error.detail))
            else:
                attributed.append(event._replace(attribution=attribution))
        if errors:
            raise InvalidToken("Some recommendation_ids do not match their events. Nothing was stored.", tuple(errors))
        return attributed

    def _attribution(self, project: str, recommendation_id: str, event: Event, *, only_own: bool) -> Attribution:
        """Raises InvalidToken."""
        served = self._tokens.served(project, recommendation_id)
        if only_own and served.owner != owner_digest(self._settings, project, event.user_id):
            raise InvalidToken("This list was not made for this user. Get the list with a token of the user.")
        attribution = served.attribution(event.item_id)
        if attribution is None:
            raise InvalidToken("The item was not in this list. Send the recommendation_id of the list that showed it.")
        version, source = attribution
        return Attribution(version or NO_VERSION, served.scenario or "", source)

    def accept(self, project: str, events: Sequence[Event], import_id: str | None = None) -> None:
        """Stores events, of an import if `import_id` is set; they are durable when this returns.

        Those that `check_age` refuses are stored, but expire at once.

        Raises:
            Erased: some events belong to erased users; its `positions` say which. Nothing was stored.
            Unavailable: some events may be stored; accepting all of them again stores the rest.
        """

        def undo(erased: set[str]) -> None:
            self._store.delete_many(project, [event for event in events if event.user_id in erased])

        user_ids = [event.user_id for event in events]
        self._tombstones.guard(project, user_ids, lambda: self._store.put_many(project, events, import_id), undo)

    def all(self, project: str) -> Iterator[Event]:
        """Yields all events of a project, for exports."""
        return self._store.all(project)

    def select(self, project: str, selection: EventSelection, start: str | None, limit: int) -> SelectedEvents:
        """Reads a page of events, up to `limit`, and returns the keys of the selected ones."""
        return self._store.select(project, selection, start, limit)

    def delete(self, project: str, keys: Sequence[EventKey]) -> None:
        """Deletes events. Counters, lists and exclusions follow through the stream, models with the next training."""
        self._store.delete_keys(project, keys)

    def list_page(self, project: str, user_id: str, start: str | None, limit: int) -> Page[Event]:
        """Returns a page of a user's events, newest first."""
        return self._store.list_page(project, user_id, start, limit)
