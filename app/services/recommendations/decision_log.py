"""The log of decisions: a sampled share of answers is kept as it was given, so that it can be shown again."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import blake2b

from app.config import Settings
from app.errors import NotFound, Unavailable
from app.storage.decisions import DecisionStore as Store

ID_BYTES = 8
OWNER_BYTES = 12


class DecisionLog:
    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Callable[[], datetime],
        random_hex: Callable[[int], str],
        erased: Callable[[str, Sequence[str]], set[str]],
    ) -> None:
        self._store, self._clock, self._random_hex, self._erased = store, clock, random_hex, erased
        self._kept = timedelta(days=settings.decision_days)
        self._settings = settings

    def sampled(self, share: float) -> str | None:
        """The id under which an answer is to be kept; None for those that are not."""
        if not share:
            return None
        drawn = self._random_hex(ID_BYTES)
        return drawn if int(drawn, 16) / 2.0 ** (8 * ID_BYTES) < share else None

    def owner(self, project: str, user_id: str) -> str:
        return owner_digest(self._settings, project, user_id)

    def keep(self, project: str, user_id: str, decision_id: str, answer: bytes) -> None:
        """Keep an answer, unless the user was erased.

        While the database cannot be reached the answer goes out all the same, unkept.
        """
        with suppress(Unavailable):
            self._store.put(project, self.owner(project, user_id), decision_id, answer, self._clock() + self._kept)
            if self._erased(project, [user_id]):
                while self._store.erase_some(project, self.owner(project, user_id)):
                    pass

    def replay(self, project: str, owner: str, decision_id: str) -> bytes:
        """The answer as it was given.

        Raises:
            NotFound: it has expired, was erased, or could not be kept.
        """
        found = self._store.get(project, owner, decision_id)
        if found is None:
            raise NotFound("This answer is not kept any more.")
        return found


def owner_digest(settings: Settings, project: str, user_id: str) -> str:
    """Stands for a user in recommendation ids and among what is kept, so that neither names him."""
    secret = settings.secret.get_secret_value().encode()[:64]
    return blake2b(f"{project}\n{user_id}".encode(), key=secret, digest_size=OWNER_BYTES).hexdigest()
