"""Signed tokens: cursors, freshness tokens, recommendation ids, user tokens. Nobody can make them up."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from app import clock
from app.domain.access import Principal
from app.errors import InvalidToken, Unauthenticated
from app.services.access.authentication import UserClaim
from app.services.tokens.recommendation_id import RecommendationId

CURSOR, FRESHNESS, RECOMMENDATION, USER = "cursor", "freshness", "recommendation", "user"
TICKET, RESUME = "ticket", "resume"
NONCE_BYTES = 16
USER_PREFIX = "ut_"


class SignedTokens:
    def __init__(self, secret: str) -> None:
        self._secret = secret

    def _serializer(self, *purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt="\n".join(purpose))

    def cursor(self, start: str | None, *listing: str) -> str | None:
        """The place where a listing goes on, bound to the project and the query that it belongs to."""
        return None if start is None else str(self._serializer(CURSOR, *listing).dumps(start))

    def start(self, cursor: str | None, *listing: str) -> str | None:
        """Raises InvalidToken."""
        if cursor is None:
            return None
        try:
            return str(self._serializer(CURSOR, *listing).loads(cursor))
        except BadSignature as error:
            raise InvalidToken("This cursor is not one of this listing. Start without a cursor.") from error

    def freshness(self, project: str, now: datetime) -> str:
        return str(self._serializer(FRESHNESS, project).dumps(now.isoformat()))

    def check_freshness(self, project: str, token: str | None) -> bool:
        """Whether there is a token, and so reads have to be consistent.

        Raises:
            InvalidToken.
        """
        if token is None:
            return False
        try:
            self._serializer(FRESHNESS, project).loads(token)
        except BadSignature as error:
            raise InvalidToken(
                "`after` is not a freshness token of this project. Use one that POST /v1/events gave."
            ) from error
        return True

    def recommendation(self, project: str, served: RecommendationId) -> str:
        """Says of an answer what it held and where that came from, without a write."""
        return str(self._serializer(RECOMMENDATION, project).dumps(served.facts()))

    def served(self, project: str, token: str) -> RecommendationId:
        """Raises InvalidToken."""
        try:
            return RecommendationId.of(self._serializer(RECOMMENDATION, project).loads(token))
        except BadSignature as error:
            raise InvalidToken("This is not a recommendation_id of this project.") from error

    def user(self, claim: UserClaim) -> str:
        """Lets a browser read one user's recommendations until then."""
        content = {"p": claim.project, "u": claim.user_id, "k": claim.key_id, "e": claim.expires_at.timestamp()}
        return USER_PREFIX + str(self._serializer(USER).dumps(content))

    def user_claim(self, token: str, now: datetime) -> UserClaim | None:
        """What a user token says; None for a text that is none.

        Raises:
            Unauthenticated: it was tampered with, or has expired.
        """
        if not token.startswith(USER_PREFIX):
            return None
        try:
            content = self._serializer(USER).loads(token.removeprefix(USER_PREFIX))
        except BadSignature as error:
            raise Unauthenticated("This user token was not made here.") from error
        if content["e"] <= now.timestamp():
            raise Unauthenticated("This user token has expired. Make a new one.")
        return UserClaim(content["p"], content["u"], content["k"], datetime.fromtimestamp(content["e"], UTC))

    def ticket(self, principal: Principal, expires_at: datetime) -> str:
        """Opens one socket as this principal, until then."""
        content = {"p": principal.facts(), "e": expires_at.timestamp(), "n": clock.random_hex(NONCE_BYTES)}
        return str(self._serializer(TICKET).dumps(content))

    def ticket_claim(self, ticket: str, now: datetime) -> tuple[Principal, datetime]:
        """Whom a ticket lets in, and until when.

        Raises:
            Unauthenticated: it was not made here, or has expired.
        """
        try:
            content = self._serializer(TICKET).loads(ticket)
        except BadSignature as error:
            raise Unauthenticated("This ticket was not made here.") from error
        if content["e"] <= now.timestamp():
            raise Unauthenticated("This ticket has expired. Get a new one for each connection.")
        return Principal.of(content["p"]), datetime.fromtimestamp(content["e"], UTC)

    def resume(self, project: str, subscriptions: Sequence[Mapping[str, Any]]) -> str:
        """What a client was subscribed to and was shown last, for his next connection."""
        return str(self._serializer(RESUME, project).dumps(list(subscriptions)))

    def resumed(self, project: str, token: str) -> list[dict[str, Any]]:
        """Raises InvalidToken."""
        try:
            found: list[dict[str, Any]] = self._serializer(RESUME, project).loads(token)
        except BadSignature as error:
            raise InvalidToken("This is not a resume token of this project. Subscribe anew.") from error
        return found
