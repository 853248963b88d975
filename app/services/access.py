"""Who asks, and what he may do: projects, API keys, user tokens; JWTs are checked by `issuers`.

The project always follows from the credential. What was looked up is remembered for `key_ttl_seconds`, so that a
revocation is effective within that time; while the database cannot be reached, what was known last goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar

from cachetools import LRUCache, TTLCache

from app import secret_keys
from app.config import Settings
from app.domain import ADMINISTRATION, INCLUDED, ApiKey, Limits, Page, Principal, Project, ProjectState, Scope
from app.errors import Conflict, Exists, Forbidden, NotFound, Unauthenticated, Unavailable
from app.storage.access import Access as Store

MAX_REMEMBERED = 20_000
MAX_KEYS = 100
"""Of a project."""
SALT_BYTES = 16

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brought along; `origin` is the web page's that sent it."""

    api_key: str | None = None
    bearer: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class UserClaim:
    """What a signed user token says."""

    project: str
    user_id: str
    key_id: str


class UserTokens(Protocol):
    def user_claim(self, token: str, now: datetime) -> UserClaim | None:
        """None for a text that is no user token; raises Unauthenticated for one that is not valid."""


class Issuers(Protocol):
    def principal(self, token: str, now: datetime) -> Principal:
        """Raises Unauthenticated."""


class Access:
    def __init__(
        self,
        store: Store,
        user_tokens: UserTokens,
        issuers: Issuers,
        settings: Settings,
        clock: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store, self._user_tokens, self._issuers = store, user_tokens, issuers
        self._clock, self._random_bytes = clock, random_bytes
        self._keys: _Memory[ApiKey] = _Memory(store.get_key, settings.key_ttl_seconds)
        self._projects: _Memory[Project] = _Memory(store.get_project, settings.key_ttl_seconds)

    def remembers(self, credentials: Credentials) -> bool:
        """Whether `authenticate` needs neither the database nor an issuer."""
        if credentials.bearer or not credentials.api_key:
            return not credentials.bearer
        key_id = secret_keys.key_id(credentials.api_key)
        return key_id is None or self._keys.knows(key_id)

    def authenticate(self, credentials: Credentials) -> Principal:
        """Derive project, scopes and limits from the credentials.

        Raises:
            Unauthenticated: there are none, or none that are valid.
            Forbidden: the key may not be used from this origin.
        """
        if credentials.bearer is None:
            if credentials.api_key is None:
                raise Unauthenticated("Send an API key as X-API-Key, or a token as Authorization: Bearer.")
            return self._of_key(self._checked_key(credentials.api_key), credentials.origin)
        claim = self._user_tokens.user_claim(credentials.bearer, self._clock())
        if claim is not None:
            principal = self._of_user(claim, credentials.origin)
        else:
            principal = self._issuers.principal(credentials.bearer, self._clock())
            if not self._is_active(principal.project):
                raise Unauthenticated("The project of this token does not exist.")
        if credentials.api_key is not None:
            key = self._checked_key(credentials.api_key)
            self._of_key(key, credentials.origin)
            if key.project != principal.project:
                raise Unauthenticated("The API key and the token belong to different projects.")
        return principal

    def check_scope(self, principal: Principal, scope: Scope) -> None:
        """Raises Forbidden."""
        if scope not in principal.scopes:
            raise Forbidden(f"This needs the scope {scope.value!r}, which these credentials do not have.")

    def check_user(self, principal: Principal, user_id: str) -> None:
        """Raises Forbidden where the credentials are for another user, or want a user token."""
        if principal.needs_user_token:
            raise Forbidden("This key reads a user's list only together with a token of that user.")
        if principal.user_id is not None and principal.user_id != user_id:
            raise Forbidden("These credentials are for another user.")

    def create_key(
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
            created_at=self._clock(),
            expires_at=expires_at,
            origins=origins,
            needs_user_token=needs_user_token,
            limits=limits or self._limits(project),
        )
        self._store.create_key(key)
        return key, text

    def get_key(self, project: str, key_id: str) -> ApiKey:
        """Raises NotFound, also for a key of another project, whose row is not even read."""
        key = next((key for key in self._store.list_keys(project) if key.key_id == key_id), None)
        if key is None:
            raise NotFound("There is no such key.")
        return key

    def list_keys(self, project: str) -> list[ApiKey]:
        return self._store.list_keys(project)

    def rotate_key(self, project: str, key_id: str, overlap: timedelta) -> tuple[ApiKey, str]:
        """Make a key that may do the same; the old one goes on for the overlap.

        Raises:
            NotFound, and Conflict for a key that has ended.
        """
        old, now = self.get_key(project, key_id), self._clock()
        if _ended(old, now):
            raise Conflict("This key has ended. Create a new one.")
        new, text = self.create_key(
            project,
            old.name,
            old.scopes,
            origins=old.origins,
            needs_user_token=old.needs_user_token,
            limits=old.limits,
        )
        ends_at = min(now + overlap, old.expires_at or now + overlap)
        self._store.replace_key(replace(old, expires_at=ends_at))
        self._keys.forget(key_id)
        return new, text

    def change_key(self, project: str, key_id: str, changes: Mapping[str, Any]) -> ApiKey:
        """Change name, origins, limits or end of a key: here at once, on other instances within `key_ttl_seconds`.

        Raises:
            NotFound, and Conflict for a key that has ended.
        """
        key = self.get_key(project, key_id)
        if _ended(key, self._clock()):
            raise Conflict("This key has ended. Create a new one.")
        changed = replace(key, **changes)
        self._store.replace_key(changed)
        self._keys.forget(key_id)
        return changed

    def revoke_key(self, project: str, key_id: str) -> None:
        """End a key: here at once, on other instances within `key_ttl_seconds`.

        Raises:
            NotFound.
        """
        key = self.get_key(project, key_id)
        self._store.replace_key(replace(key, revoked_at=key.revoked_at or self._clock()))
        self._keys.forget(key_id)

    def mark_used(self, key_id: str) -> None:
        """Note that a key was used today."""
        self._store.mark_used(key_id, self._clock().date())

    def create_project(self, project_id: str, name: str | None, limits: Limits) -> Project:
        """Raises Exists."""
        if project_id == ADMINISTRATION:
            raise Exists(f"{ADMINISTRATION!r} is not for data. Choose another id.")
        project = Project(project_id, self._clock(), name, limits=limits, salt=self._random_bytes(SALT_BYTES).hex())
        self._store.create_project(project)
        self._projects.forget(project_id)
        return project

    def get_project(self, project_id: str) -> Project:
        """Raises NotFound."""
        project = self._store.get_project(project_id)
        if project is None:
            raise NotFound("There is no such project.")
        return project

    def change_project(self, project_id: str, changes: Mapping[str, Any]) -> Project:
        """Change name or limits of a project; keys that it has keep theirs.

        Raises:
            NotFound, and Conflict for a project that is being deleted.
        """
        changed = replace(self.get_project(project_id), **changes)
        self._store.replace_project(changed, ProjectState.ACTIVE)
        return changed

    def list_projects(self, start: str | None, limit: int) -> Page[Project]:
        return self._store.list_projects(start, limit)

    def salt(self, project_id: str) -> str:
        """What the ids of a project's erased users are hashed with.

        Raises:
            NotFound: there is no such project.
        """
        return self._active_project(project_id).salt

    def forget(self, project_id: str, key_ids: Sequence[str]) -> None:
        """After a project and its keys have ended, this instance knows it at once."""
        self._projects.forget(project_id)
        for key_id in key_ids:
            self._keys.forget(key_id)

    def _limits(self, project_id: str) -> Limits:
        return Limits() if project_id == ADMINISTRATION else self._active_project(project_id).limits

    def _is_active(self, project_id: str) -> bool:
        project = self._projects.get(project_id)
        return project is not None and project.state is ProjectState.ACTIVE

    def _active_project(self, project_id: str) -> Project:
        project = self._projects.get(project_id)
        if project is None or project.state is not ProjectState.ACTIVE:
            raise NotFound("There is no such project. Create it with `serendip projects create` or POST /v1/projects.")
        return project

    def _checked_key(self, text: str) -> ApiKey:
        key_id = secret_keys.key_id(text)
        if key_id is None:
            raise Unauthenticated("This is not an API key: its form or its checksum is wrong. Was it cut off?")
        key = self._keys.get(key_id)
        if key is None or not secret_keys.matches(text, key.digest):
            raise Unauthenticated("There is no such API key.")
        if _ended(key, self._clock()):
            raise Unauthenticated("This API key has expired or was revoked.")
        return key

    def _of_key(self, key: ApiKey, origin: str | None) -> Principal:
        if key.origins and origin not in key.origins:
            raise Forbidden("This key may not be used from this origin.")
        scopes = frozenset(scope for given in key.scopes for scope in INCLUDED[given])
        return Principal(key.project, scopes, key.key_id, needs_user_token=key.needs_user_token, limits=key.limits)

    def _of_user(self, claim: UserClaim, origin: str | None) -> Principal:
        key = self._keys.get(claim.key_id)
        if key is None or key.project != claim.project or _ended(key, self._clock()):
            raise Unauthenticated("The key that this user token was made with has ended.")
        of_key = self._of_key(key, origin)
        return replace(of_key, scopes=INCLUDED[Scope.RECOMMEND], user_id=claim.user_id, needs_user_token=False)


class _Memory(Generic[Found]):
    """Rows by id, at most so many seconds old, or of any age while the database cannot be reached."""

    def __init__(self, read: Callable[[str], Found | None], ttl_seconds: float) -> None:
        self._read, self._lock = read, Lock()
        self._fresh: TTLCache[str, Found | None] = TTLCache(MAX_REMEMBERED, ttl_seconds, monotonic)
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
        with self._lock:
            self._fresh[name] = found
            if found is None:
                self._last.pop(name, None)
            else:
                self._last[name] = found
        return found

    def forget(self, name: str) -> None:
        with self._lock:
            self._fresh.pop(name, None)
            self._last.pop(name, None)


def _ended(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now)
