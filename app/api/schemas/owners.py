"""Names the owner of events: a user or a session."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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


_default_owner: ContextVar[str | None] = ContextVar("default_owner", default=None)


@contextmanager
def owned_by_default(owner: str | None) -> Iterator[None]:
    """Makes bodies that name no owner those of the user or session of the credentials, if these are of one."""
    token = _default_owner.set(owner)
    try:
        yield
    finally:
        _default_owner.reset(token)


def default_owner() -> str | None:
    """The user or session of the credentials, if they are of one."""
    return _default_owner.get()


class Owner(Body):
    """A user, or the session of an anonymous visitor. Credentials of one user or session are its default."""

    model_config = ConfigDict(json_schema_extra=USER_OR_SESSION)

    user_id: UserField | None = None
    session_id: SessionField | None = None

    @model_validator(mode="after")
    def check_one(self) -> Self:
        named = (self.user_id is not None) + (self.session_id is not None)
        if named > 1 or (not named and default_owner() is None):
            raise ValueError("needs either a user_id or a session_id")
        return self

    @property
    def owner(self) -> str:
        """The id of the user, or the id that stands for the session."""
        if self.session_id is not None:
            return of_session(self.session_id)
        return str(default_owner() if self.user_id is None else self.user_id)
