"""Live sockets and their subscriptions."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.access import Principal


@dataclass(frozen=True, slots=True)
class Connection:
    """A live socket, whose identity was fixed when it was opened."""

    connection_id: str
    principal: Principal
    connected_at: datetime
    expires_at: datetime
    users: frozenset[str] = frozenset()
    """The users whose lists it is subscribed to."""


@dataclass(frozen=True, slots=True)
class WatchedList:
    """A user's list that a client subscribed to, and what it was shown last."""

    user_id: str
    limit: int | None = None
    """None if the scenario decides."""
    scenario: str | None = None
    properties: bool = False
    shown: str | None = None
    """The digest of the list that was pushed last."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A connection's subscription to a user's list."""

    project: str
    connection_id: str
    expires_at: datetime
    watched: WatchedList
    principal: Principal | None = None
    """The identity that subscribed; None if the connection belongs to the user but is not subscribed to them."""

    @property
    def user_id(self) -> str:
        return self.watched.user_id
