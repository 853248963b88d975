"""The decision log: stores a sample of responses so that they can be replayed."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from app.clock import Clock
from app.config import Settings
from app.domain.recommendations import RecommendationResponse
from app.errors import NotFound, Unavailable
from app.services.privacy.owner_digest import owner_digest
from app.services.privacy.tombstones import Tombstones
from app.storage.decisions import DecisionStore as Store

ID_BYTES = 8


class DecisionLog:
    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        random_hex: Callable[[int], str],
        tombstones: Tombstones,
    ) -> None:
        self._store, self._clock, self._random_hex, self._tombstones = store, clock, random_hex, tombstones
        self._retention = timedelta(days=settings.decision_days)
        self._settings = settings

    def sample(self, rate: float) -> str | None:
        """Draws the id under which a response is stored; None if it is not part of the sample."""
        if not rate:
            return None
        decision_id = self._random_hex(ID_BYTES)
        return decision_id if int(decision_id, 16) / 2.0 ** (8 * ID_BYTES) < rate else None

    def owner(self, project: str, user_id: str) -> str:
        return owner_digest(self._settings, project, user_id)

    def put(self, project: str, user_id: str, decision_id: str, response: RecommendationResponse) -> None:
        """Stores a response, unless its user was erased.

        If the database is unavailable, the response is sent without being stored.
        """
        owner = self.owner(project, user_id)
        with suppress(Unavailable):
            self._store.put(project, owner, decision_id, response, self._clock.now() + self._retention)
            self._tombstones.undo_erased(project, [user_id], lambda _: self._erase(project, owner))

    def _erase(self, project: str, owner: str) -> None:
        while self._store.erase_some(project, owner):
            pass

    def get(self, project: str, owner: str, decision_id: str) -> RecommendationResponse:
        """Returns a stored response.

        Raises:
            NotFound: it expired, was erased or could not be stored.
        """
        response = self._store.get(project, owner, decision_id)
        if response is None:
            raise NotFound("This response is no longer stored.")
        return response
