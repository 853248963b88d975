"""API keys: made, shown once, changed, rotated, ended."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app.clock import Clock
from app.domain.access import ADMINISTRATION, ApiKey, Limits, Scope
from app.errors import Conflict, NotFound
from app.services.access import secret_keys
from app.services.access.credential_cache import CredentialCache
from app.storage.access import AccessStore as Store

MAX_KEYS = 100
"""Of a project."""


class Keys:
    def __init__(
        self,
        store: Store,
        remembered: CredentialCache,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store, self._remembered = store, remembered
        self._clock, self._random_bytes = clock, random_bytes

    def create(
        self,
        project: str,
        name: str,
        scopes: frozenset[Scope],
        *,
        expires_at: datetime | None = None,
        origins: tuple[str, ...] = (),
        needs_user_token: bool = False,
        limits: Limits | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key; the second part, the key itself, is never to be had again.

        Raises:
            Conflict: the project has the most keys that it may have.
            NotFound: there is no such project.
        """
        if len(self._store.list_keys(project)) >= MAX_KEYS:
            raise Conflict(f"A project has at most {MAX_KEYS} keys. Revoke one that is no longer used.")
        text = secret_keys.mint(self._random_bytes)
        key = ApiKey(
            key_id=secret_keys.key_id(text) or "",
            project=project,
            name=name,
            scopes=scopes,
            digest=secret_keys.digest(text),
            created_at=self._clock.now(),
            expires_at=expires_at,
            origins=origins,
            needs_user_token=needs_user_token,
            limits=limits or self._limits(project),
        )
        self._store.create_key(key)
        return key, text

    def get(self, project: str, key_id: str) -> ApiKey:
        """Raises NotFound, also for a key of another project, whose row is not even read."""
        key = next((key for key in self._store.list_keys(project) if key.key_id == key_id), None)
        if key is None:
            raise NotFound("There is no such key.")
        return key

    def list_all(self, project: str) -> list[ApiKey]:
        return self._store.list_keys(project)

    def rotate(self, project: str, key_id: str, overlap: timedelta) -> tuple[ApiKey, str]:
        """Make a key that may do the same; the old one goes on for the overlap.

        Raises:
            NotFound, and Conflict for a key that has ended.
        """
        old, now = self.get(project, key_id), self._clock.now()
        killed_before = old.revoked_at is None and old.expires_at == now + overlap
        if old.has_ended(now) and not killed_before:
            raise Conflict("This key has ended. Create a new one.")
        new, text = self.create(
            project,
            old.name,
            old.scopes,
            origins=old.origins,
            needs_user_token=old.needs_user_token,
            limits=old.limits,
        )
        ends_at = min(now + overlap, old.expires_at or now + overlap)
        self._store.replace_key(replace(old, expires_at=ends_at))
        self._remembered.forget(project, [key_id])
        return new, text

    def change(self, project: str, key_id: str, changes: Mapping[str, Any]) -> ApiKey:
        """Change name, origins, limits or end of a key: here at once, on other instances within `key_ttl_seconds`.

        Raises:
            NotFound, and Conflict for a key that has ended.
        """
        key = self.get(project, key_id)
        if key.has_ended(self._clock.now()):
            raise Conflict("This key has ended. Create a new one.")
        changed = replace(key, **changes)
        self._store.replace_key(changed)
        self._remembered.forget(project, [key_id])
        return changed

    def revoke(self, project: str, key_id: str) -> None:
        """End a key: here at once, on other instances within `key_ttl_seconds`.

        Raises:
            NotFound.
        """
        key = self.get(project, key_id)
        self._store.replace_key(replace(key, revoked_at=key.revoked_at or self._clock.now()))
        self._remembered.forget(project, [key_id])

    def mark_used(self, key_id: str) -> None:
        """Note that a key was used today."""
        self._store.mark_used(key_id, self._clock.now().date())

    def _limits(self, project_id: str) -> Limits:
        return Limits() if project_id == ADMINISTRATION else self._remembered.project(project_id).limits
