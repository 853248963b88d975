"""JWTs of OIDC issuers: signature, algorithm, issuer, audience, times, scopes. PyJWT does the cryptography."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from app.clock import Clock
from app.config import Issuer, Settings
from app.domain.access import INCLUDED, Principal, Scope
from app.domain.ids import ID_PATTERN
from app.errors import Unauthenticated, Unavailable
from app.telemetry import hashed

if TYPE_CHECKING:
    from jwt import PyJWK

SCOPE_PREFIX = "serendip:"
CLOCK_SKEW_SECONDS = 30
MAX_LENGTH = 16_384
DISCOVERY = "/.well-known/openid-configuration"

Fetch = Callable[[str], Mapping[str, Any]]
"""Gets a JSON document; raises Unavailable."""


class JwtVerifier:
    def __init__(self, settings: Settings, fetch: Fetch, clock: Clock) -> None:
        self._issuers = {issuer.issuer: _Keys(issuer, settings, fetch, clock) for issuer in settings.issuers}

    def principal(self, token: str, now: datetime) -> Principal:
        """Check a token and derive project, scopes and user from its claims.

        Raises:
            Unauthenticated: for whatever reason; what is wrong with a token is said without repeating any of it.
            Unavailable: the issuer's keys were never fetched and cannot be now.
        """
        if not self._issuers:
            raise Unauthenticated("This is no user token, and no issuer of other tokens is configured.")
        if len(token) > MAX_LENGTH:
            raise Unauthenticated("The bearer token is too long.")
        import jwt  # noqa: PLC0415 - 0.2 s that only deployments with issuers pay

        try:
            header = jwt.get_unverified_header(token)
            unverified = jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError as error:
            raise Unauthenticated("The bearer token is no well-formed token.") from error
        named = unverified.get("iss")
        keys = self._issuers.get(named) if isinstance(named, str) else None
        if keys is None:
            raise Unauthenticated("The token's issuer is not one that is accepted here.")
        issuer = keys.issuer
        if header.get("alg") not in issuer.algorithms:
            raise Unauthenticated("The token's algorithm is not one that is accepted here.")
        key = keys.get(header.get("kid"))
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=list(issuer.algorithms),
                audience=issuer.audience,
                issuer=issuer.issuer,
                leeway=CLOCK_SKEW_SECONDS,
                options={
                    "require": ["exp", "iss", "aud"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, TypeError) as error:
            raise Unauthenticated(
                f"The token is not valid: {_REASONS.get(type(error).__name__, 'refused')}."
            ) from error
        _check_times(claims, now)
        return _principal(issuer, claims)


_REASONS = {
    "InvalidSignatureError": "its signature is wrong",
    "InvalidAudienceError": "it is for another audience",
    "InvalidIssuerError": "it is of another issuer",
    "MissingRequiredClaimError": "a required claim (exp, iss, aud) is missing",
    "InvalidAlgorithmError": "its algorithm is not accepted",
}


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    """By the deployment's clock, with half a minute of grace (RFC 7519, 4.1.4 and 4.1.5)."""
    seconds = now.timestamp()
    ends, begins = claims["exp"], claims.get("nbf", 0)
    if not isinstance(ends, int | float) or not isinstance(begins, int | float):
        raise Unauthenticated("The token's times are no numbers.")
    if ends <= seconds - CLOCK_SKEW_SECONDS:
        raise Unauthenticated("The token has expired.")
    if begins > seconds + CLOCK_SKEW_SECONDS:
        raise Unauthenticated("The token is not valid yet.")


def _principal(issuer: Issuer, claims: Mapping[str, Any]) -> Principal:
    project = issuer.project or claims.get(issuer.project_claim)
    if not isinstance(project, str) or not re.fullmatch(ID_PATTERN, project):
        raise Unauthenticated("The token names no project.")
    given = claims.get(issuer.scope_claim) or ()
    names: Sequence[object] = given.split() if isinstance(given, str) else given if isinstance(given, list) else ()
    plain = {name.removeprefix(SCOPE_PREFIX) for name in names if isinstance(name, str)}
    scopes = frozenset(scope for known in Scope if known.value in plain for scope in INCLUDED[known])
    credential = "jwt-" + hashed(f"{issuer.issuer}\n{claims.get('sub')}")
    ends_at = datetime.fromtimestamp(claims["exp"], UTC)
    if issuer.user_claim is None:
        return Principal(project, scopes, credential, ends_at=ends_at)
    user_id = claims.get(issuer.user_claim)
    if not isinstance(user_id, str) or not re.fullmatch(ID_PATTERN, user_id):
        raise Unauthenticated("The token names no user.")
    return Principal(project, scopes & INCLUDED[Scope.RECOMMEND], credential, user_id, ends_at=ends_at)


class _Keys:
    """One issuer's public keys: fetched when first wanted, again for an unknown key id, kept when it is gone."""

    def __init__(self, issuer: Issuer, settings: Settings, fetch: Fetch, clock: Clock) -> None:
        self.issuer, self._fetch, self._clock = issuer, fetch, clock
        self._ttl_seconds, self._pause_seconds = settings.issuer_ttl_seconds, settings.issuer_pause_seconds
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._lock, self._first = Lock(), Lock()

    def get(self, key_id: object) -> "PyJWK":
        """The key of an id. A token without one gets the issuer's only key.

        Raises:
            Unauthenticated: the issuer has no such key.
            Unavailable: no keys could be fetched yet.
        """
        if not self._keys:
            with self._first:
                if not self._keys:
                    self._refresh()
        elif self._due(key_id):
            self._refresh()
        found = self._found(key_id)
        if found is None:
            raise Unauthenticated("The token's key is not one of its issuer's.")
        return found

    def _due(self, key_id: object) -> bool:
        """Whether this thread is to fetch the keys again; the others go on with those that are there."""
        with self._lock:
            now = self._clock.monotonic()
            wanted = now - self._fetched_at >= self._ttl_seconds or self._found(key_id) is None
            due = wanted and now - self._tried_at >= self._pause_seconds
            if due:
                self._tried_at = now
            return due

    def _found(self, key_id: object) -> "PyJWK | None":
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id) if isinstance(key_id, str) else None

    def _refresh(self) -> None:
        from jwt import PyJWK  # noqa: PLC0415
        from jwt.exceptions import PyJWTError  # noqa: PLC0415

        try:
            address = self.issuer.jwks_uri or str(self._fetch(self.issuer.issuer.rstrip("/") + DISCOVERY)["jwks_uri"])
            listed = self._fetch(address)["keys"]
        except (Unavailable, KeyError, TypeError) as error:
            if not self._keys:
                raise Unavailable("The token's issuer cannot be reached. Try again later.") from error
            return
        keys: dict[str, PyJWK] = {}
        for one in listed:
            if one.get("use", "sig") != "sig" or one.get("kty") == "oct":
                continue
            try:
                keys[str(one.get("kid", len(keys)))] = PyJWK(one)
            except PyJWTError:
                continue  # of a type that PyJWT does not know; tokens signed with it are refused
        self._keys, self._fetched_at = keys, self._clock.monotonic()
