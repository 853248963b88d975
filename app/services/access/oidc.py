"""Verify the JWTs of OIDC issuers: signature, algorithm, issuer, audience, times and scopes."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.clock import Clock
from app.config import Issuer, Settings
from app.domain.access import Principal, Scope, included, of_user
from app.domain.fields import ID_PATTERN
from app.errors import Unauthenticated
from app.services.access.issuer_keys import Fetch, IssuerKeys
from app.telemetry import hashed

SCOPE_PREFIX = "serendip:"
CLOCK_SKEW_SECONDS = 30
MAX_LENGTH = 16_384


class JwtVerifier:
    def __init__(self, settings: Settings, fetch: Fetch, clock: Clock) -> None:
        self._issuers = {issuer.issuer: IssuerKeys(issuer, settings, fetch, clock) for issuer in settings.issuers}

    def prepare(self) -> None:
        """Loads what verifying needs, which stops all requests for a while if a request does it."""
        if self._issuers:
            import jwt  # noqa: F401, PLC0415 - as below

    def principal(self, token: str, now: datetime) -> Principal:
        """Verifies a token and derives project, scopes and user from its claims.

        Raises:
            Unauthenticated: the token is not valid; the message does not repeat any part of it.
            IssuerUnavailable: the issuer's keys are not known, and the issuer does not answer.
        """
        if not self._issuers:
            raise Unauthenticated("Not a user token, and no OIDC issuer is configured (SERENDIP_ISSUERS).")
        if len(token) > MAX_LENGTH:
            raise Unauthenticated("The bearer token is too long.")
        import jwt  # noqa: PLC0415 - takes 0.2 s, and only deployments with issuers need it

        try:
            header = jwt.get_unverified_header(token)
            unverified = jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError as error:
            raise Unauthenticated("The bearer token is malformed.") from error
        name = unverified.get("iss")
        keys = self._issuers.get(name) if isinstance(name, str) else None
        if keys is None:
            raise Unauthenticated("The token's issuer is not accepted.")
        issuer = keys.issuer
        if header.get("alg") not in issuer.algorithms:
            raise Unauthenticated("The token's algorithm is not accepted.")
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
    "InvalidIssuerError": "it is from another issuer",
    "MissingRequiredClaimError": "a required claim (exp, iss, aud) is missing",
    "InvalidAlgorithmError": "its algorithm is not accepted",
}


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    """Checks `exp` and `nbf` against the clock, with a leeway of 30 s (RFC 7519, 4.1.4 and 4.1.5)."""
    seconds = now.timestamp()
    expires, not_before = claims["exp"], claims.get("nbf", 0)
    if not isinstance(expires, int | float) or not isinstance(not_before, int | float):
        raise Unauthenticated("The token's `exp` and `nbf` must be numbers.")
    if expires <= seconds - CLOCK_SKEW_SECONDS:
        raise Unauthenticated("The token has expired.")
    if not_before > seconds + CLOCK_SKEW_SECONDS:
        raise Unauthenticated("The token is not valid yet.")


def _principal(issuer: Issuer, claims: Mapping[str, Any]) -> Principal:
    project = issuer.project or claims.get(issuer.project_claim)
    if not isinstance(project, str) or not re.fullmatch(ID_PATTERN, project):
        raise Unauthenticated("The token names no project.")
    claim = claims.get(issuer.scope_claim) or ()
    words: Sequence[object] = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else ()
    names = {word.removeprefix(SCOPE_PREFIX) for word in words if isinstance(word, str)}
    scopes = frozenset(scope for scope in Scope if scope.value in names)
    credential = "jwt-" + hashed(f"{issuer.issuer}\n{claims.get('sub')}")
    ends_at = datetime.fromtimestamp(claims["exp"], UTC)
    if issuer.user_claim is None:
        return Principal(project, included(scopes), credential, ends_at=ends_at)
    user_id = claims.get(issuer.user_claim)
    if not isinstance(user_id, str) or not re.fullmatch(ID_PATTERN, user_id):
        raise Unauthenticated("The token names no user.")
    return Principal(project, of_user(scopes), credential, user_id, ends_at=ends_at)
