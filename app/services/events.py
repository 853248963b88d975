"""Accepting events: all of a batch or none, each exactly once however often it is sent."""

from collections.abc import Iterator, Sequence

from app.domain import Event, Page
from app.storage.events import Events as Store


class Events:
    def __init__(self, store: Store) -> None:
        self._store = store

    def accept(self, project: str, events: Sequence[Event]) -> None:
        """Store events; they are durable when this returns."""
        self._store.put_many(project, events)

    def all(self, project: str) -> Iterator[Event]:
        """Every event of the project, for exports; read page by page."""
        return self._store.all(project)

    def list_page(self, project: str, user_id: str, start: str | None, limit: int) -> Page[Event]:
        """A user's events, newest first."""
        return self._store.list_page(project, user_id, start, limit)
