"""Records of the stream that could not be applied: kept, shown, tried again."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from app.domain.events import Failure
from app.domain.paging import Page, every
from app.errors import NotFound
from app.storage.failures import UNKNOWN, owner
from app.storage.failures import FailureStore as Store

LISTED = 100


class Failures:
    def __init__(self, store: Store, erased: Callable[[str, Sequence[str]], set[str]]) -> None:
        self._store, self._erased = store, erased

    def put(self, record: Mapping[str, Any], reason: str) -> None:
        """Keep a record, unless its user was erased or its project deleted."""
        project, user_id = owner(record)
        with suppress(NotFound):  # there is no such project any more
            if user_id is None or not self._erased(project, [user_id]):
                self._store.put(record, reason)

    def list_page(self, project: str | None, start: str | None, limit: int) -> Page[Failure]:
        """A project's failures, or those of no known project."""
        return self._store.list_page(project or UNKNOWN, start, limit)

    def retry(self, project: str | None, apply: Callable[[Mapping[str, Any]], bool]) -> tuple[int, int]:
        """Apply each record again; returns how many were tried, and how many of them succeeded and were removed."""
        tried = done = 0
        for failure in list(every(lambda start: self.list_page(project, start, LISTED))):
            tried += 1
            if apply(failure.record):
                self._store.delete(failure)
                done += 1
        return tried, done
