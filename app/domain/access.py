"""Projects, API keys, scopes and principals."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from app.domain.event_types import NO_SETTINGS, ProjectSettings
from app.domain.privacy import Receipt

ADMINISTRATION = "administration"
"""The project whose admin keys create and delete the other projects; it has no data of its own."""


class Scope(StrEnum):
    """What a credential may do.

    `admin` includes `write` and `read:all`, and each of these includes `recommend` and `rules`.
    """

    RECOMMEND = "recommend"
    READ_ALL = "read:all"
    """Every GET of the project's data that any scope allows, and no change."""
    WRITE = "write"
    ADMIN = "admin"
    OWN_EVENTS = "events:own"
    """Whether credentials of one user may send events of that user. No other scope includes it."""
    RULES = "rules"
    """Filters and boosts in requests, beside those of stored scenarios."""


INCLUDED: Mapping[Scope, frozenset[Scope]] = {
    Scope.RECOMMEND: frozenset({Scope.RECOMMEND}),
    Scope.READ_ALL: frozenset({Scope.RECOMMEND, Scope.RULES, Scope.READ_ALL}),
    Scope.WRITE: frozenset({Scope.RECOMMEND, Scope.RULES, Scope.WRITE}),
    Scope.ADMIN: frozenset({Scope.RECOMMEND, Scope.RULES, Scope.READ_ALL, Scope.WRITE, Scope.ADMIN}),
    Scope.OWN_EVENTS: frozenset({Scope.OWN_EVENTS}),
    Scope.RULES: frozenset({Scope.RULES}),
}
OF_USERS = frozenset({Scope.RECOMMEND, Scope.OWN_EVENTS, Scope.RULES})
"""The scopes that credentials of one user can have."""


def included(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Returns scopes and all that they include."""
    return frozenset().union(*(INCLUDED[scope] for scope in scopes))


def of_user(scopes: frozenset[Scope]) -> frozenset[Scope]:
    """Returns what one user may do with credentials that state these scopes: lists, and beyond that what is stated."""
    return included(scopes) & {Scope.RECOMMEND} | scopes & OF_USERS


@dataclass(frozen=True, slots=True)
class Limits:
    """How many requests a key may send. None means no limit."""

    requests_per_second: float | None = None
    burst: int | None = None
    """Requests that may arrive at once. Default: one second's worth, and at least one."""
    requests_per_day: int | None = None

    @property
    def bucket_size(self) -> int:
        return self.burst or max(1, round(self.requests_per_second or 1))


USER_LIMITS = Limits(requests_per_second=1.0, burst=30, requests_per_day=5_000)
"""How many requests with events a user may send with their own credentials, unless the key says otherwise."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored API key: its digest and settings, but not its text."""

    key_id: str
    project: str
    name: str
    scopes: frozenset[Scope]
    digest: str
    """SHA-256 of the whole key, in hexadecimal."""
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used: date | None = None
    origins: tuple[str, ...] = ()
    """Web origins that may use the key. Empty means any."""
    needs_user_token: bool = False
    """Whether reading a list also requires a signed user token, which names the user."""
    limits: Limits = field(default_factory=Limits)
    user_limits: Limits = USER_LIMITS
    """The limits of the requests with events of each user, if tokens of this key may send them."""

    def has_ended(self, now: datetime) -> bool:
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)


class ProjectState(StrEnum):
    ACTIVE = "active"
    DELETING = "deleting"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class DeletionCheckpoint:
    """The position of an unfinished pass over all rows of a deleted project."""

    began_at: datetime
    """When the pass began."""
    purge: Mapping[str, Any] | None = None
    """The next row to remove, as the purge returned it; None at the beginning."""
    leased_until: datetime | None = None
    """Until then, a process is presumed to work on it."""


@dataclass(frozen=True, slots=True)
class Project:
    """An isolated set of data, models and keys."""

    project_id: str
    created_at: datetime
    name: str | None = None
    state: ProjectState = ProjectState.ACTIVE
    limits: Limits = field(default_factory=Limits)
    """The limits of keys that were created without their own."""
    salt: str = ""
    """Hashes the ids of erased users."""
    deletion: "Receipt | None" = None
    resume_at: DeletionCheckpoint | None = None
    """The position from which an unfinished deletion resumes."""
    settings: ProjectSettings = NO_SETTINGS
    is_indexed: bool = False
    """Whether every row that lasts can be found by its key. Not so for projects of releases up to 0.7."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller, derived from the credentials alone."""

    project: str
    scopes: frozenset[Scope]
    credential: str
    """The key's id, or a hash of the token's issuer and subject."""
    user_id: str | None = None
    """The only user whose list may be read. None means any."""
    needs_user_token: bool = False
    limits: Limits = field(default_factory=Limits)
    shares_limits: bool = False
    """Whether the limits are those of a key, and this is one of its users."""
    user_limits: Limits = USER_LIMITS
    """The limits of the user's requests with events, beside those of the credential."""
    ends_at: datetime | None = None
    """When the token expires. None for keys: each request checks whether the key has ended."""

    @property
    def owner(self) -> str:
        """The only user or session, "" for any."""
        return self.user_id or ""

    @property
    def sends_only_own(self) -> bool:
        """Whether it may send events of its own user at most."""
        return Scope.WRITE not in self.scopes


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """A project's traffic of one day (UTC)."""

    day: date
    requests: float = 0.0
    events: float = 0.0
    recommendations: float = 0.0
    """Lists, not items."""
    read_units: float = 0.0
    write_units: float = 0.0
    milliseconds: float = 0.0
