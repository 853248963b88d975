"""Authentication and authorization by API keys, user tokens and JWTs of OIDC issuers.

The credentials alone determine the project.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from app.clock import Clock
from app.config import Settings
from app.domain.access import ADMINISTRATION, ApiKey, Principal, Scope, included, of_user
from app.domain.recommendations import RecommendationRequest
from app.errors import Forbidden, Unauthenticated
from app.services.access import secret_keys
from app.services.access.credential_cache import CredentialCache
from app.services.access.unsealed_keys import UnsealedKeys


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a request, and the origin of the web page that sent it."""

    api_key: str | None = None
    bearer: str | None = None
    origin: str | None = None
    is_same_origin: bool = False
    """Whether the page is of the server's own origin."""


@dataclass(frozen=True, slots=True)
class UserClaim:
    """The content of a signed user token."""

    project: str
    user_id: str
    key_id: str
    expires_at: datetime


class UserTokens(Protocol):
    def user_claim(self, token: str, now: datetime) -> UserClaim | None:
        """Returns the content of a user token, or None if this is another kind of token.

        Raises:
            Unauthenticated: the user token is not valid.
        """


class TokenVerifier(Protocol):
    def prepare(self) -> None:
        """Makes the first token as quick to verify as the others."""

    def principal(self, token: str, now: datetime) -> Principal:
        """Returns the principal of a token. Raises Unauthenticated if it is not valid."""


class Authentication:
    def __init__(
        self,
        cache: CredentialCache,
        user_tokens: UserTokens,
        issuers: TokenVerifier,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._cache, self._user_tokens, self._issuers = cache, user_tokens, issuers
        self._secret, self._clock = settings.secret.get_secret_value(), clock
        self._unsealed = UnsealedKeys(clock)

    def prepare(self) -> None:
        """Makes the first requests as quick as the others; for servers that start before requests come."""
        self._issuers.prepare()

    def is_cached(self, credentials: Credentials) -> bool:
        """Whether `authenticate` needs neither the database nor an issuer."""
        if credentials.bearer or not credentials.api_key:
            return not credentials.bearer
        if credentials.origin is not None:  # the project may have origins
            return False
        key_id = secret_keys.key_id(credentials.api_key)
        return key_id is None or self._cache.knows_key(key_id) or self._is_made_up(credentials.api_key)

    def authenticate(self, credentials: Credentials) -> Principal:
        """Derives project, scopes and limits from the credentials.

        Raises:
            Unauthenticated: the credentials are missing or not valid.
            Overloaded: there are too many unknown keys of the old kind.
            Forbidden: the key, or without origins of its own its project, may not be used from this origin.
        """
        if credentials.bearer is None:
            if credentials.api_key is None:
                raise Unauthenticated("Send an API key as X-API-Key, or a token as Authorization: Bearer.")
            return self._of_key(self._checked_key(credentials.api_key), credentials)
        if not credentials.bearer:
            raise Unauthenticated(
                "The Authorization header counts before X-API-Key, and holds no token. Send `Bearer` and a token "
                "in it, or leave it out."
            )
        claim = self._user_tokens.user_claim(credentials.bearer, self._clock.now())
        if claim is not None:
            principal = self._of_user(claim, credentials)
        else:
            principal = self._issuers.principal(credentials.bearer, self._clock.now())
            project = self._cache.active_project(principal.project)
            if project is None:
                raise Unauthenticated("The project of this token does not exist.")
            principal = replace(principal, limits=project.limits)
            _check_project_page(project.settings.origins, credentials)
        if credentials.api_key is not None:
            key = self._checked_key(credentials.api_key)
            self._of_key(key, credentials)
            if key.project != principal.project:
                raise Unauthenticated("The API key and the token belong to different projects.")
        return principal

    def is_active(self, project: str) -> bool:
        """Whether the project exists and is not being deleted."""
        return self._cache.active_project(project) is not None

    def recheck(self, principal: Principal) -> None:
        """Checks the principal of an open connection again.

        Raises:
            Unauthenticated: the key or token has expired, the key was revoked, or the project is being deleted.
        """
        now = self._clock.now()
        if principal.ends_at is not None and principal.ends_at <= now:
            raise Unauthenticated("The token of this connection has expired.")
        if self._cache.active_project(principal.project) is None:
            raise Unauthenticated("The project of this connection no longer exists.")
        if _is_of_key(principal):
            key = self._key_of(principal)
            if key is None or key.has_ended(now):
                raise Unauthenticated("The API key of this connection has expired or was revoked.")

    def check_page(self, principal: Principal, credentials: Credentials) -> None:
        """Checks the page of a request whose principal is known from a ticket.

        Raises:
            Forbidden: the key or project of the principal may not be used from this origin.
        """
        key = self._key_of(principal)
        self._check_origin(key.origins if key else (), principal.project, credentials)

    def is_allowed_page(self, principal: Principal, credentials: Credentials) -> bool:
        """Whether the key of an authenticated request, or else its project, names the origin of its page."""
        if credentials.origin is None:
            return False
        key = self._key_of(principal)
        own = key.origins if key else ()
        return credentials.origin in (own or self._project_origins(principal.project, credentials))

    def check_scope(self, principal: Principal, *scopes: Scope) -> None:
        """Raises Forbidden unless the principal has one of the scopes."""
        if principal.scopes.isdisjoint(scopes):
            names = " or ".join(repr(scope.value) for scope in scopes)
            raise Forbidden(f"This operation requires the scope {names}, which these credentials do not have.")

    def check_sender(self, principal: Principal) -> None:
        """Raises Forbidden unless the principal may send events: any, or those of its own user."""
        if Scope.WRITE in principal.scopes or (principal.user_id is not None and Scope.OWN_EVENTS in principal.scopes):
            return
        if principal.user_id is None:
            self.check_scope(principal, Scope.WRITE)
        raise Forbidden(
            f"These credentials may not send events of their user. A token of a key with the scope "
            f"{Scope.OWN_EVENTS.value!r} may."
        )

    def check_rules(self, principal: Principal, request: RecommendationRequest) -> None:
        """Raises Forbidden if the request has a filter or boost of its own, which the principal may not send."""
        if request.has_rules and Scope.RULES not in principal.scopes:
            raise Forbidden(
                "These credentials may not send a filter or boost: name a stored scenario that has them, or use a key "
                f"with the scope {Scope.RULES.value!r}."
            )

    def check_has_data(self, principal: Principal) -> None:
        """Raises Forbidden for keys that access no data: those of the administration, and public ones alone."""
        if principal.project == ADMINISTRATION:
            raise Forbidden("Keys of the administration project cannot access data. Use a key of another project.")
        if principal.needs_user_token:
            raise Forbidden("This key works only together with a token of a user, as Authorization: Bearer.")

    def check_user(self, principal: Principal, user_id: str) -> None:
        """Raises Forbidden if the principal may not read this user's list."""
        if principal.user_id is not None and principal.user_id != user_id:
            raise Forbidden("These credentials are for another user.")

    def _is_made_up(self, text: str) -> bool:
        """Whether a well-formed key has the seal of another secret."""
        return not secret_keys.is_unsealed(text) and not secret_keys.has_seal(text, self._secret)

    def _checked_key(self, text: str) -> ApiKey:
        key_id = secret_keys.key_id(text)
        if key_id is None:
            raise Unauthenticated("Not a valid API key: its format or checksum is wrong. Was it truncated?")
        if not self._cache.knows_key(key_id) and self._is_made_up(text):
            raise Unauthenticated("This API key does not exist.")
        if secret_keys.is_unsealed(text) and not (self._cache.knows_key(key_id) or self._cache.has_seen_key(key_id)):
            self._unsealed.spend()
        key = self._cache.key(key_id)
        if key is None or not secret_keys.matches(text, key.digest):
            raise Unauthenticated("This API key does not exist.")
        if key.has_ended(self._clock.now()):
            raise Unauthenticated("This API key has expired or was revoked.")
        return key

    def _key_of(self, principal: Principal) -> ApiKey | None:
        """Returns the key of a principal; None if it is of a JWT, or if the key no longer exists."""
        return self._cache.key(principal.credential) if _is_of_key(principal) else None

    def _project_origins(self, project_id: str, credentials: Credentials) -> tuple[str, ...]:
        """Returns the origins of a project, which is read only for requests of pages."""
        project = self._cache.active_project(project_id) if credentials.origin is not None else None
        return project.settings.origins if project else ()

    def _check_origin(self, key_origins: Collection[str], project_id: str, credentials: Credentials) -> None:
        """Raises Forbidden unless a key, or else its project, may be used by the page of a request."""
        if not key_origins:
            _check_project_page(self._project_origins(project_id, credentials), credentials)
        elif credentials.origin not in key_origins:
            raise Forbidden("This key may not be used from this origin.")

    def _of_key(self, key: ApiKey, credentials: Credentials) -> Principal:
        self._check_origin(key.origins, key.project, credentials)
        return Principal(
            key.project,
            included(key.scopes),
            key.key_id,
            needs_user_token=key.needs_user_token,
            limits=key.limits,
            user_limits=key.user_limits,
        )

    def _of_user(self, claim: UserClaim, credentials: Credentials) -> Principal:
        key = self._cache.key(claim.key_id)
        if key is None or key.project != claim.project or key.has_ended(self._clock.now()):
            raise Unauthenticated("The API key that created this user token has expired or was revoked.")
        return replace(
            self._of_key(key, credentials),
            scopes=of_user(key.scopes | {Scope.RECOMMEND}),
            user_id=claim.user_id,
            needs_user_token=False,
            shares_limits=True,
            ends_at=claim.expires_at,
        )


def _is_of_key(principal: Principal) -> bool:
    return re.match(secret_keys.KEY_ID_PATTERN, principal.credential) is not None


def _check_project_page(origins: Collection[str], credentials: Credentials) -> None:
    """Raises Forbidden if a request is of a page of another origin that the project does not name.

    It may name none; then keys work from everywhere, although pages of other origins cannot read the responses.
    """
    if not origins or credentials.origin is None or credentials.is_same_origin:
        return
    if credentials.origin not in origins:
        raise Forbidden("The keys of this project may not be used from this origin.")
