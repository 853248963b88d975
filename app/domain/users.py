"""Users and anonymous sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.clock import EPOCH
from app.domain.preconditions import etag_of

SESSION = "#session#"
"""Begins what stands for a user's id in the events of somebody unknown; no id of a user holds its characters."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody to recommend to."""

    user_id: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH

    @property
    def etag(self) -> str:
        return etag_of(self.created_at, self.updated_at)


def of_session(session_id: str) -> str:
    """What stands for the user's id in the events of a session."""
    return SESSION + session_id


def session_of(user_id: str) -> str | None:
    """The session that something stands for which is no user's id."""
    return user_id.removeprefix(SESSION) if user_id.startswith(SESSION) else None
