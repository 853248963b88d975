"""Stream records that could not be applied: stored with the reason, listed, and applied again on request."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from app.domain.events import Failure
from app.domain.paging import Page, every
from app.errors import NotFound
from app.services.privacy.tombstones import Tombstones
from app.storage.failures import UNKNOWN, FailureStore, owner

PAGE = 100


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
