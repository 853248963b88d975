"""Live sockets and their subscriptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.access import Principal


@dataclass(frozen=True, slots=True)
class Connection:
    """A live socket, whose identity was fixed when it was opened."""

    connection_id: str
    principal: Principal
    connected_at: datetime
    expires_at: datetime
    users: frozenset[str] = frozenset()
    """Those that it is subscribed to."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A user's list that a connection wants to be told of."""

    project: str
    user_id: str
    connection_id: str
    expires_at: datetime
    wish: Mapping[str, Any] | None = None
    """What was asked for; None where the connection is the user's own, but not subscribed."""
    shown: str | None = None
    """Digest of the list that was pushed last."""
