"""Anonymous sessions: their events become a user's when the user logs in."""

from collections.abc import Sequence
from functools import partial

from app.deadline import remaining_seconds
from app.domain.events import Event
from app.domain.users import of_session
from app.errors import Erased
from app.services.privacy.tombstones import Tombstones
from app.storage.events import EventStore

BATCH_EVENTS = 500
SPARE_SECONDS = 2.0


class Sessions:
    def __init__(self, events: EventStore, tombstones: Tombstones) -> None:
        self._events, self._tombstones = events, tombstones

    def merge(self, project: str, session_id: str, user_id: str) -> tuple[int, bool]:
        """Moves a session's events to a user; times and event ids stay.

        Each event is written for the user before it is deleted from the session: if the merge is killed and called
        again, each event is there once.

        Returns:
            The number of moved events, and whether the session has no more.

        Raises:
            Erased: the user was erased.
        """
        session, moved = of_session(session_id), 0
        self._tombstones.refuse(project, [user_id])
        while events := self._events.newest(project, session, BATCH_EVENTS, consistent=True):
            copies = [event._replace(user_id=user_id) for event in events]
            self._events.put_many(project, copies)
            self._tombstones.undo_erased(project, [user_id], partial(self._undo, project, copies))
            self._events.delete_many(project, events)
            moved += len(events)
            if remaining_seconds() < SPARE_SECONDS:
                return moved, False
        return moved, True

    def _undo(self, project: str, copies: Sequence[Event], _: set[str]) -> None:
        self._events.delete_many(project, copies)
        raise Erased((0,))
