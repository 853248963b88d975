"""Accepting events: all of a batch or none, each exactly once however often it is sent."""

from collections.abc import Callable, Iterator, Sequence

from app import telemetry
from app.domain.events import Event
from app.domain.paging import Page
from app.errors import Erased
from app.storage.events import EventStore as Store


class Events:
    def __init__(self, store: Store, erased: Callable[[str, Sequence[str]], set[str]]) -> None:
        self._store, self._erased = store, erased

    def accept(self, project: str, events: Sequence[Event]) -> None:
        """Store events; they are durable when this returns.

        Raises:
            Erased: some are of erased users; its `positions` say which. Nothing was stored.
        """
        users = sorted({event.user_id for event in events})
        erased = self._erased(project, users)
        if erased:
            positions = tuple(place for place, event in enumerate(events) if event.user_id in erased)
            raise Erased("Events are of erased users", positions)
        self._store.put_many(project, events)
        meanwhile = self._erased(project, users)
        if meanwhile:  # his erasure may have passed before these events were written
            self._store.delete_many(project, [event for event in events if event.user_id in meanwhile])
        telemetry.current().events += len(events)

    def all(self, project: str) -> Iterator[Event]:
        """Every event of the project, for exports; read page by page."""
        return self._store.all(project)

    def list_page(self, project: str, user_id: str, start: str | None, limit: int) -> Page[Event]:
        """A user's events, newest first."""
        return self._store.list_page(project, user_id, start, limit)
