"""Cache of keys and projects; entries live for `key_ttl_seconds`, so a revocation takes effect within that time.

If the database is unavailable, the last value stays valid.
"""

from collections.abc import Sequence

from app.clock import Clock
from app.config import Settings
from app.domain.access import ApiKey, Project, ProjectState
from app.errors import NotFound
from app.services.stale_cache import StaleCache
from app.storage.access import AccessStore


class CredentialCache:
    def __init__(self, store: AccessStore, settings: Settings, clock: Clock) -> None:
        self._keys: StaleCache[ApiKey] = StaleCache(store.get_key, settings.key_ttl_seconds, clock)
        self._projects: StaleCache[Project] = StaleCache(store.get_project, settings.key_ttl_seconds, clock)

    def knows_key(self, key_id: str) -> bool:
        """Whether `key` needs no database read."""
        return self._keys.knows(key_id)

    def has_seen_key(self, key_id: str) -> bool:
        """Whether the key existed when it was last read."""
        return self._keys.remembers(key_id)

    def key(self, key_id: str) -> ApiKey | None:
        return self._keys.get(key_id)

    def active_project(self, project_id: str) -> Project | None:
        """Returns a project, or None if it does not exist or is being deleted."""
        project = self._projects.get(project_id)
        return project if project and project.state is ProjectState.ACTIVE else None

    def project(self, project_id: str) -> Project:
        """Returns a project.

        Raises:
            NotFound: it does not exist or is being deleted.
        """
        project = self.active_project(project_id)
        if project is None:
            raise NotFound("The project does not exist. Create it: `serendip projects create` or POST /v1/projects.")
        return project

    def salt(self, project_id: str) -> str:
        """Returns the salt of the digests of a project's erased users.

        Raises:
            NotFound: the project does not exist or is being deleted.
        """
        return self.project(project_id).salt

    def forget(self, project_id: str, key_ids: Sequence[str] = ()) -> None:
        """Removes a project and keys, so that this instance sees a change of them at once."""
        self._projects.forget(project_id)
        for key_id in key_ids:
            self._keys.forget(key_id)
