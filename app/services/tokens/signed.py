"""Signed tokens: cursors, freshness tokens, recommendation ids, user tokens, tickets and resume tokens."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache

from itsdangerous import BadSignature, URLSafeSerializer

from app import clock
from app.domain.access import Principal
from app.domain.sockets import WatchedList
from app.errors import InvalidToken, Unauthenticated
from app.services.access.authentication import UserClaim
from app.services.tokens.recommendation_id import RecommendationId
from app.storage.principals import principal_facts, principal_of

CURSOR, FRESHNESS, RECOMMENDATION, USER = "cursor", "freshness", "recommendation", "user"
TICKET, RESUME = "ticket", "resume"
NONCE_BYTES = 16
USER_PREFIX = "ut_"
MAX_SERIALIZERS = 1_000


@lru_cache(MAX_SERIALIZERS)
def _serializer(secret: str, salt: str) -> URLSafeSerializer:
    """Returns a serializer; making one takes longer than signing with it."""
    return URLSafeSerializer(secret, salt=salt)


class SignedTokens:
    def __init__(self, secret: str) -> None:
        self._secret = secret

    def _serializer(self, *purpose: str) -> URLSafeSerializer:
        return _serializer(self._secret, "\n".join(purpose))

    def cursor(self, start: str | None, *listing: str) -> str | None:
        """Returns the cursor of a listing's next page, bound to its project and query; None on the last page."""
        return None if start is None else str(self._serializer(CURSOR, *listing).dumps(start))

    def start(self, cursor: str | None, *listing: str) -> str | None:
        """Returns where the page of a cursor starts.

        Raises:
            InvalidToken: the cursor is not from this listing.
        """
        if cursor is None:
            return None
        try:
            return str(self._serializer(CURSOR, *listing).loads(cursor))
        except BadSignature as error:
            raise InvalidToken("This cursor is not from this listing. Start without a cursor.") from error

    def freshness(self, project: str, now: datetime) -> str:
        return str(self._serializer(FRESHNESS, project).dumps(now.isoformat()))

    def check_freshness(self, project: str, token: str | None) -> bool:
        """Whether there is a freshness token, so that reads have to be consistent.

        Raises:
            InvalidToken: the token is not from this project.
        """
        if token is None:
            return False
        try:
            self._serializer(FRESHNESS, project).loads(token)
        except BadSignature as error:
            raise InvalidToken(
                "`fresh_after` is not a freshness token of this project. Send one that POST /v1/events returned."
            ) from error
        return True

    def recommendation(self, project: str, served: RecommendationId) -> str:
        """Returns the recommendation_id of a list."""
        return str(self._serializer(RECOMMENDATION, project).dumps(served.encode()))

    def served(self, project: str, recommendation_id: str) -> RecommendationId:
        """Returns what a recommendation_id says about its list.

        Raises:
            InvalidToken: it is not from this project.
        """
        try:
            return RecommendationId.decode(self._serializer(RECOMMENDATION, project).loads(recommendation_id))
        except BadSignature as error:
            raise InvalidToken("This is not a recommendation_id of this project.") from error

    def user(self, claim: UserClaim) -> str:
        """Returns a token that lets a browser read one user's recommendations until it expires."""
        content = {"p": claim.project, "u": claim.user_id, "k": claim.key_id, "e": claim.expires_at.timestamp()}
        return USER_PREFIX + str(self._serializer(USER).dumps(content))

    def user_claim(self, token: str, now: datetime) -> UserClaim | None:
        """Returns the claim of a user token; None if the text is not a user token.

        Raises:
            Unauthenticated: the token was changed or has expired.
        """
        if not token.startswith(USER_PREFIX):
            return None
        try:
            content = self._serializer(USER).loads(token.removeprefix(USER_PREFIX))
        except BadSignature as error:
            raise Unauthenticated("This user token is not valid here.") from error
        if content["e"] <= now.timestamp():
            raise Unauthenticated("This user token has expired. Create a new one.")
        return UserClaim(content["p"], content["u"], content["k"], datetime.fromtimestamp(content["e"], UTC))

    def ticket(self, principal: Principal, expires_at: datetime) -> str:
        """Returns a ticket that opens one socket as this principal."""
        content = {"p": principal_facts(principal), "e": expires_at.timestamp(), "n": clock.random_hex(NONCE_BYTES)}
        return str(self._serializer(TICKET).dumps(content))

    def ticket_claim(self, ticket: str, now: datetime) -> tuple[Principal, datetime]:
        """Returns the principal of a ticket and when the ticket expires.

        Raises:
            Unauthenticated: the ticket was changed or has expired.
        """
        try:
            content = self._serializer(TICKET).loads(ticket)
        except BadSignature as error:
            raise Unauthenticated("This ticket is not valid here.") from error
        if content["e"] <= now.timestamp():
            raise Unauthenticated("This ticket has expired. Get a new one for each connection.")
        return principal_of(content["p"]), datetime.fromtimestamp(content["e"], UTC)

    def resume(self, project: str, watched: Sequence[WatchedList]) -> str:
        """Returns a token with a client's subscriptions and what they were shown last, for the next connection."""
        return str(self._serializer(RESUME, project).dumps([asdict(each) for each in watched]))

    def resumed(self, project: str, token: str) -> list[WatchedList]:
        """Returns the subscriptions of a resume token.

        Raises:
            InvalidToken: the token is not from this project.
        """
        try:
            return [WatchedList(**content) for content in self._serializer(RESUME, project).loads(token)]
        except BadSignature as error:
            raise InvalidToken("Invalid resume token for this project. Subscribe again.") from error
