"""What an instance remembers of keys and projects: for `key_ttl_seconds`, so that a revocation is effective within it.

While the database cannot be reached, what was known last goes on.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache, TTLCache

from app.clock import Clock
from app.config import Settings
from app.domain.access import ApiKey, Project, ProjectState
from app.errors import NotFound, Unavailable
from app.storage.access import AccessStore

MAX_REMEMBERED = 20_000

Found = TypeVar("Found")


class CredentialCache:
    def __init__(self, store: AccessStore, settings: Settings, clock: Clock) -> None:
        self._keys: StaleCache[ApiKey] = StaleCache(store.get_key, settings.key_ttl_seconds, clock)
        self._projects: StaleCache[Project] = StaleCache(store.get_project, settings.key_ttl_seconds, clock)

    def knows_key(self, key_id: str) -> bool:
        """Whether `key` answers without the database."""
        return self._keys.knows(key_id)

    def key(self, key_id: str) -> ApiKey | None:
        return self._keys.get(key_id)

    def active_project(self, project_id: str) -> Project | None:
        """A project, unless it is being deleted."""
        project = self._projects.get(project_id)
        return project if project and project.state is ProjectState.ACTIVE else None

    def project(self, project_id: str) -> Project:
        """The same.

        Raises:
            NotFound.
        """
        project = self.active_project(project_id)
        if project is None:
            raise NotFound("There is no such project. Create it with `serendip projects create` or POST /v1/projects.")
        return project

    def salt(self, project_id: str) -> str:
        """What the ids of a project's erased users are hashed with.

        Raises:
            NotFound: there is no such project.
        """
        return self.project(project_id).salt

    def forget(self, project_id: str, key_ids: Sequence[str] = ()) -> None:
        """After a change here, this instance knows it at once."""
        self._projects.forget(project_id)
        for key_id in key_ids:
            self._keys.forget(key_id)


class StaleCache(Generic[Found]):
    """Rows by id, at most so many seconds old, or of any age while the database cannot be reached."""

    def __init__(self, read: Callable[[str], Found | None], ttl_seconds: float, clock: Clock) -> None:
        self._read, self._lock = read, Lock()
        self._fresh: TTLCache[str, Found | None] = TTLCache(MAX_REMEMBERED, ttl_seconds, clock.monotonic)
        self._last: LRUCache[str, Found] = LRUCache(MAX_REMEMBERED)

    def knows(self, name: str) -> bool:
        with self._lock:
            return name in self._fresh

    def get(self, name: str) -> Found | None:
        with self._lock:
            if name in self._fresh:
                return self._fresh[name]
        try:
            found = self._read(name)
        except Unavailable:
            with self._lock:
                if name in self._last:
                    return self._last[name]
            raise
        self.put(name, found)
        return found

    def put(self, name: str, found: Found | None) -> None:
        """Know it at once, after a change here."""
        with self._lock:
            self._fresh[name] = found
            if found is None:
                self._last.pop(name, None)
            else:
                self._last[name] = found

    def forget(self, name: str) -> None:
        with self._lock:
            self._fresh.pop(name, None)
            self._last.pop(name, None)
