"""Stream records that could not be applied, which are applied again on request, and refused requests with events."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any

from cachetools import LRUCache, TTLCache

from app.clock import Clock
from app.domain.events import Failure, Refusal, RefusedPlace
from app.domain.paging import Page, every
from app.errors import FieldError, NotFound, Unavailable
from app.services.privacy.tombstones import Tombstones
from app.storage.failures import UNKNOWN, FailureStore, owner

PAGE = 100
REFUSAL_SECONDS = 10.0
"""An instance stores a refusal of a project at most once in this time, so that senders cannot cause many writes."""
MAX_PROJECTS = 10_000
MOST_PLACES, MOST_CHARACTERS = 5, 500


class Failures:
    def __init__(self, store: FailureStore, tombstones: Tombstones) -> None:
        self._store, self._tombstones = store, tombstones

    def put(self, record: Mapping[str, Any], reason: str) -> None:
        """Stores a record, unless its user was erased or its project deleted."""
        project, user_id = owner(record)
        with suppress(NotFound):  # the project does not exist
            if user_id is None or not self._tombstones.erased(project, [user_id]):
                self._store.put(record, reason)

    def list_page(self, project: str | None, start: str | None, limit: int) -> Page[Failure]:
        """Lists a project's failures; None stands for records whose project is unknown."""
        return self._store.list_page(project or UNKNOWN, start, limit)

    def retry(self, project: str | None, apply: Callable[[Mapping[str, Any]], bool]) -> tuple[int, int]:
        """Applies each stored record again and deletes those that succeed; returns the numbers of both."""
        tried = succeeded = 0
        for failure in list(every(lambda start: self.list_page(project, start, PAGE))):
            tried += 1
            if apply(failure.record):
                self._store.delete(failure)
                succeeded += 1
        return tried, succeeded


class Refusals:
    """Refused requests with events: a sample, so that a broken sender is noticed."""

    def __init__(self, store: FailureStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._lock = Lock()
        self._stored: TTLCache[str, bool] = TTLCache(MAX_PROJECTS, REFUSAL_SECONDS, clock.monotonic)
        """The projects with a refusal that was stored in the last seconds."""
        self._others: LRUCache[str, int] = LRUCache(MAX_PROJECTS)

    def add(self, project: str, status: int, detail: str, errors: Sequence[FieldError]) -> None:
        """Stores a refusal, or only counts it if another one was stored in the last seconds."""
        with self._lock:
            if project in self._stored:
                self._others[project] = self._others.get(project, 0) + 1
                return
            self._stored[project] = True
            others = self._others.pop(project, 0)
        shown = tuple(RefusedPlace(place.pointer, place.detail[:MOST_CHARACTERS]) for place in errors[:MOST_PLACES])
        refusal = Refusal(self._clock.now(), status, detail[:MOST_CHARACTERS], shown, others)
        with suppress(Unavailable):  # the sender gets the problem in any case
            self._store.put_refusal(project, refusal)

    def newest(self, project: str, limit: int) -> list[Refusal]:
        """Returns the newest refusals of the last two weeks, newest first."""
        return self._store.newest_refusals(project, limit)
