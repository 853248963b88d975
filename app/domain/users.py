"""Users and anonymous sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.fields import EPOCH, ImportMark
from app.domain.preconditions import etag_of

SESSION = "#session#"
"""The prefix that marks an anonymous session in `user_id`. User ids cannot contain `#`."""


@dataclass(frozen=True, slots=True)
class User:
    """A user and their properties."""

    user_id: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH
    import_mark: ImportMark | None = field(default=None, compare=False)
    """The import that added the user, if any; it is no fact of the user."""

    @property
    def etag(self) -> str:
        return etag_of(self.created_at, self.updated_at)


def of_session(session_id: str) -> str:
    """Returns the value of `user_id` that stands for a session."""
    return SESSION + session_id


def session_of(user_id: str) -> str | None:
    """Returns the session id in a `user_id`, or None if it is the id of a user."""
    return user_id.removeprefix(SESSION) if user_id.startswith(SESSION) else None
