"""Cache of keys and projects; entries live for `key_ttl_seconds`, so a revocation takes effect within that time.

If the database is unavailable, the last value stays valid.
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

MAX_ENTRIES = 20_000

Value = TypeVar("Value")


class CredentialCache:
    def __init__(self, store: AccessStore, settings: Settings, clock: Clock) -> None:
        self._keys: StaleCache[ApiKey] = StaleCache(store.get_key, settings.key_ttl_seconds, clock)
        self._projects: StaleCache[Project] = StaleCache(store.get_project, settings.key_ttl_seconds, clock)

    def knows_key(self, key_id: str) -> bool:
        """Whether `key` needs no database read."""
        return self._keys.knows(key_id)

    def key(self, key_id: str) -> ApiKey | None:
        return self._keys.get(key_id)

    def active_project(self, project_id: str) -> Project | None:
        """Return a project, or None if it does not exist or is being deleted."""
        project = self._projects.get(project_id)
        return project if project and project.state is ProjectState.ACTIVE else None

    def project(self, project_id: str) -> Project:
        """Return a project.

        Raises:
            NotFound: it does not exist or is being deleted.
        """
        project = self.active_project(project_id)
        if project is None:
            raise NotFound("The project does not exist. Create it: `serendip projects create` or POST /v1/projects.")
        return project

    def salt(self, project_id: str) -> str:
        """Return the salt of the digests of a project's erased users.

        Raises:
            NotFound: the project does not exist or is being deleted.
        """
        return self.project(project_id).salt

    def forget(self, project_id: str, key_ids: Sequence[str] = ()) -> None:
        """Remove a project and keys, so that this instance sees a change of them at once."""
        self._projects.forget(project_id)
        for key_id in key_ids:
            self._keys.forget(key_id)


class StaleCache(Generic[Value]):
    """Values by id, at most `ttl_seconds` old, or of any age while the database is unavailable."""

    def __init__(self, read: Callable[[str], Value | None], ttl_seconds: float, clock: Clock) -> None:
        self._read, self._lock = read, Lock()
        self._fresh: TTLCache[str, Value | None] = TTLCache(MAX_ENTRIES, ttl_seconds, clock.monotonic)
        self._last: LRUCache[str, Value] = LRUCache(MAX_ENTRIES)

    def knows(self, name: str) -> bool:
        with self._lock:
            return name in self._fresh

    def get(self, name: str) -> Value | None:
        with self._lock:
            if name in self._fresh:
                return self._fresh[name]
        try:
            value = self._read(name)
        except Unavailable:
            with self._lock:
                if name in self._last:
                    return self._last[name]
            raise
        self.put(name, value)
        return value

    def put(self, name: str, value: Value | None) -> None:
        with self._lock:
            self._fresh[name] = value
            if value is None:
                self._last.pop(name, None)
            else:
                self._last[name] = value

    def forget(self, name: str) -> None:
        with self._lock:
            self._fresh.pop(name, None)
            self._last.pop(name, None)
