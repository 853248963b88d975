"""Create, change, rotate and revoke API keys."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app.clock import Clock
from app.config import Settings
from app.domain.access import ADMINISTRATION, USER_LIMITS, ApiKey, Limits, Scope
from app.errors import Conflict, NotFound
from app.services.access import secret_keys
from app.services.access.credential_cache import CredentialCache
from app.storage.access import AccessStore as Store

HAS_ENDED = "This key has expired or was revoked. Create a new one."
MAX_KEYS = 100
"""Keys that a project may have, beside those that have ended."""
MAX_ENDED = 400
"""Keys that have ended; when there are more, the oldest are deleted."""


class Keys:
    def __init__(
        self,
        store: Store,
        cache: CredentialCache,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        settings: Settings,
    ) -> None:
        self._store, self._cache, self._secret = store, cache, settings.secret.get_secret_value()
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
        user_limits: Limits | None = None,
    ) -> tuple[ApiKey, str]:
        """Creates a key. Returns its record and its text, which cannot be read again.

        Raises:
            Conflict: the project has as many keys as it may have.
            NotFound: the project does not exist.
        """
        self._make_room(project)
        text = secret_keys.mint(self._random_bytes, self._secret)
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
            user_limits=user_limits or USER_LIMITS,
        )
        self._store.create_key(key)
        return key, text

    def get(self, project: str, key_id: str) -> ApiKey:
        """Raises NotFound, also for keys of other projects."""
        key = next((key for key in self._store.list_keys(project) if key.key_id == key_id), None)
        if key is None:
            raise NotFound("The key does not exist.")
        return key

    def list_all(self, project: str) -> list[ApiKey]:
        return self._store.list_keys(project)

    def rotate(self, project: str, key_id: str, overlap: timedelta) -> tuple[ApiKey, str]:
        """Creates a key with the same settings; the old key expires after the overlap.

        Raises:
            NotFound: the key does not exist.
            Conflict: the key has expired or was revoked.
        """
        old, now = self.get(project, key_id), self._clock.now()
        is_repeated = old.revoked_at is None and old.expires_at == now + overlap
        if old.has_ended(now) and not is_repeated:
            raise Conflict(HAS_ENDED)
        new, text = self.create(
            project,
            old.name,
            old.scopes,
            origins=old.origins,
            needs_user_token=old.needs_user_token,
            limits=old.limits,
            user_limits=old.user_limits,
        )
        ends_at = min(now + overlap, old.expires_at or now + overlap)
        self._store.replace_key(replace(old, expires_at=ends_at))
        self._cache.forget(project, [key_id])
        return new, text

    def change(self, project: str, key_id: str, changes: Mapping[str, Any]) -> ApiKey:
        """Changes name, origins, limits or expiry of a key. Other instances notice within `key_ttl_seconds`.

        Raises:
            NotFound: the key does not exist.
            Conflict: the key has expired or was revoked.
        """
        key = self.get(project, key_id)
        if key.has_ended(self._clock.now()):
            raise Conflict(HAS_ENDED)
        changed = replace(key, **changes)
        self._store.replace_key(changed)
        self._cache.forget(project, [key_id])
        return changed

    def revoke(self, project: str, key_id: str) -> None:
        """Revokes a key. Other instances notice within `key_ttl_seconds`.

        Raises:
            NotFound: the key does not exist.
        """
        key = self.get(project, key_id)
        self._store.replace_key(replace(key, revoked_at=key.revoked_at or self._clock.now()))
        self._cache.forget(project, [key_id])

    def mark_used(self, key_id: str) -> None:
        """Records that a key was used today."""
        self._store.mark_used(key_id, self._clock.now().date())

    def _make_room(self, project: str) -> None:
        """Deletes the oldest of many keys that have ended. Raises Conflict if too many have not."""
        now, keys = self._clock.now(), self._store.list_keys(project)
        ended = sorted((key for key in keys if key.has_ended(now)), key=lambda key: key.created_at)
        if len(keys) - len(ended) >= MAX_KEYS:
            raise Conflict(f"A project has at most {MAX_KEYS} keys. Revoke one that is no longer used.")
        self._store.delete_keys([key.key_id for key in ended[: max(0, len(ended) - MAX_ENDED)]])

    def _limits(self, project_id: str) -> Limits:
        return Limits() if project_id == ADMINISTRATION else self._cache.project(project_id).limits
