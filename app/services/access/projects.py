"""Create, change and list projects; `privacy.erasure` deletes them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from app.clock import Clock
from app.domain.access import ADMINISTRATION, ApiKey, Limits, Project, ProjectState, Scope
from app.domain.paging import Page
from app.errors import Exists, NotFound
from app.services.access.credential_cache import CredentialCache
from app.services.access.keys import Keys
from app.storage.access import AccessStore as Store
from app.storage.users import UserStore

SALT_BYTES = 16
FIRST_KEY = "first"


class Projects:
    def __init__(
        self,
        store: Store,
        users: UserStore,
        keys: Keys,
        cache: CredentialCache,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store, self._users, self._keys, self._cache = store, users, keys, cache
        self._clock, self._random_bytes = clock, random_bytes

    def create(self, project_id: str, name: str | None, limits: Limits) -> Project:
        """Creates a project. Raises Exists if the id is or was in use."""
        if project_id == ADMINISTRATION:
            raise Exists(f"The project id {ADMINISTRATION!r} is reserved. Choose another id.")
        salt = self._random_bytes(SALT_BYTES).hex()
        project = Project(project_id, self._clock.now(), name, limits=limits, salt=salt, is_indexed=True)
        self._store.create_project(project)
        self._users.promise_no_erasures(project_id)
        self._cache.forget(project_id)
        return project

    def create_with_key(self, project_id: str, name: str | None, limits: Limits) -> tuple[Project, ApiKey, str]:
        """Creates a project and its first admin key; returns both and the text of the key. Raises Exists."""
        project = self.create(project_id, name, limits)
        key, text = self._keys.create(project_id, FIRST_KEY, frozenset({Scope.ADMIN}))
        return project, key, text

    def get(self, project_id: str) -> Project:
        """Raises NotFound."""
        project = self._store.get_project(project_id)
        if project is None:
            raise NotFound("The project does not exist.")
        return project

    def change(self, project_id: str, changes: Mapping[str, Any]) -> Project:
        """Changes name or limits of a project; existing keys keep their limits.

        Raises:
            NotFound: the project does not exist.
            Conflict: the project is being deleted.
        """
        changed = replace(self.get(project_id), **changes)
        self._store.replace_project(changed, ProjectState.ACTIVE)
        self._cache.forget(project_id)
        return changed

    def list_page(self, start: str | None, limit: int) -> Page[Project]:
        return self._store.list_projects(start, limit)
