"""Signed tokens: cursors, freshness tokens, recommendation ids. They say what they are for and cannot be made up."""

from datetime import UTC, datetime

from itsdangerous import BadSignature, URLSafeSerializer

from app.errors import InvalidCursor, InvalidInput

CURSOR, FRESHNESS, RECOMMENDATION = "cursor", "freshness", "recommendation"


class Tokens:
    def __init__(self, secret: str) -> None:
        self._secret = secret

    def _serializer(self, *purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt="\n".join(purpose))

    def cursor(self, start: str | None, *listing: str) -> str | None:
        """The place where a listing goes on, bound to the project and the query that it belongs to."""
        return None if start is None else str(self._serializer(CURSOR, *listing).dumps(start))

    def start(self, cursor: str | None, *listing: str) -> str | None:
        """Raises InvalidCursor."""
        if cursor is None:
            return None
        try:
            return str(self._serializer(CURSOR, *listing).loads(cursor))
        except BadSignature as error:
            raise InvalidCursor("This cursor is not one of this listing. Start without a cursor.") from error

    def freshness(self, project: str, now: datetime) -> str:
        return str(self._serializer(FRESHNESS, project).dumps(now.isoformat()))

    def check_freshness(self, project: str, token: str) -> None:
        """Raises InvalidInput."""
        try:
            self._serializer(FRESHNESS, project).loads(token)
        except BadSignature as error:
            raise InvalidInput(
                "`after` is not a freshness token of this project. Use one that POST /v1/events gave."
            ) from error

    def recommendation(self, project: str, version: str | None, now: datetime) -> str:
        """Says of an answer which version gave it and when, without a write."""
        return str(
            self._serializer(RECOMMENDATION, project).dumps({"v": version, "t": int(now.astimezone(UTC).timestamp())})
        )
