"""Sessions of somebody unknown: their events become a user's when he logs in."""

from collections.abc import Callable
from dataclasses import replace

from app.deadline import remaining_seconds
from app.domain.users import of_session
from app.errors import Erased
from app.storage.events import EventStore

EVENTS_AT_ONCE = 500
SPARE_SECONDS = 2.0


class Sessions:
    def __init__(self, store: EventStore, refuse_erased: Callable[[str, str], None]) -> None:
        self._store, self._refuse_erased = store, refuse_erased

    def merge(self, project: str, session_id: str, user_id: str) -> tuple[int, bool]:
        """Make a session's events the user's, with their times and ids.

        An event is written for the user before it is taken from the session: killed anywhere and called again, each is
        there once.

        Returns:
            How many events were moved, and whether none are left.

        Raises:
            Erased: the user was erased.
        """
        session, moved = of_session(session_id), 0
        self._refuse_erased(project, user_id)
        while events := self._store.newest(project, session, EVENTS_AT_ONCE, consistent=True):
            own = [replace(event, user_id=user_id) for event in events]
            self._store.put_many(project, own)
            try:
                self._refuse_erased(project, user_id)
            except Erased:
                self._store.delete_many(project, own)
                raise
            self._store.delete_many(project, events)
            moved += len(events)
            if remaining_seconds() < SPARE_SECONDS:
                return moved, False
        return moved, True
