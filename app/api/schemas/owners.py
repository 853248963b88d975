"""Names the owner of events: a user or a session."""

from typing import Self

from pydantic import ConfigDict, model_validator
from pydantic.config import JsonDict

from app.api.schemas.fields import Body, SessionField, UserField
from app.domain.users import of_session

USER_OR_SESSION: JsonDict = {
    "if": {"required": ["user_id"], "properties": {"user_id": {"type": "string"}}},
    "then": {"properties": {"session_id": {"type": "null"}}},
    "else": {"required": ["session_id"], "properties": {"session_id": {"type": "string"}}},
}
"""Not `oneOf`: client generators drop the properties beside it."""


class Owner(Body):
    """A user, or the session of an anonymous visitor."""

    model_config = ConfigDict(json_schema_extra=USER_OR_SESSION)

    user_id: UserField | None = None
    session_id: SessionField | None = None

    @model_validator(mode="after")
    def check_one(self) -> Self:
        if (self.user_id is None) == (self.session_id is None):
            raise ValueError("needs either a user_id or a session_id")
        return self

    @property
    def owner(self) -> str:
        """The id of the user, or the id that stands for the session."""
        return of_session(self.session_id) if self.session_id is not None else str(self.user_id)
