"""Connections and subscriptions of live sockets."""

from datetime import datetime, timedelta
from hashlib import blake2b

from app.clock import Clock
from app.config import Settings
from app.domain.access import Principal
from app.domain.sockets import Connection, Subscription, WatchedList
from app.errors import Conflict, InvalidInput, Unauthenticated
from app.services.privacy.tombstones import Tombstones
from app.storage.connections import ConnectionStore

MAX_SUBSCRIPTIONS = 20
FAREWELL = timedelta(minutes=12)
"""How long before its end a connection asks its client to reconnect. Longer than the ten minutes between pings."""


def until_farewell(life: timedelta) -> timedelta:
    """How long after its start a connection of this length asks its client to reconnect."""
    return life - min(FAREWELL, life / 2)


class Sockets:
    def __init__(
        self,
        connections: ConnectionStore,
        settings: Settings,
        tombstones: Tombstones,
        clock: Clock,
    ) -> None:
        self._connections, self._tombstones, self._clock = connections, tombstones, clock
        self._life = timedelta(seconds=settings.connection_seconds)

    def check_owner(self, principal: Principal) -> None:
        """Checks that the user of the credentials, if they are of one, was not erased.

        Raises:
            Erased.
        """
        if principal.user_id is not None:
            self._tombstones.refuse(principal.project, [principal.user_id])

    def open(self, connection_id: str, principal: Principal) -> Connection:
        """Stores a connection with the identity of its client. Opening it twice has the same effect.

        Raises:
            Unauthenticated: another client has a connection with this id.
            Erased: the client's user was erased.
        """
        self.check_owner(principal)
        now = self._clock.now()
        ends_at = min(now + self._life, principal.ends_at or now + self._life)
        connection = Connection(connection_id, principal, now, ends_at)
        try:
            self._connections.put(connection)
        except Conflict as error:
            stored = self._connections.get(connection_id)
            if stored is None or stored.principal != principal:
                raise Unauthenticated("A connection with this id already exists.") from error
            return stored
        return connection

    def admit(self, ticket: str, expires_at: datetime) -> None:
        """Uses a ticket, which is valid once.

        Raises:
            Unauthenticated: the ticket was already used.
        """
        try:
            self._connections.use_ticket(blake2b(ticket.encode(), digest_size=16).hexdigest(), expires_at)
        except Conflict as error:
            raise Unauthenticated("This ticket was already used. Get a new one for each connection.") from error

    def get(self, connection_id: str) -> Connection | None:
        """Returns an open connection, or None if it has ended or never was opened."""
        return self._connections.get(connection_id)

    def find(self, connection_id: str) -> Connection:
        """Returns an open connection. Raises Unauthenticated if it has ended."""
        connection = self.get(connection_id)
        if connection is None:
            raise Unauthenticated("This connection has ended. Open a new one.")
        return connection

    def end(self, connection_id: str) -> None:
        """Deletes a connection and its subscriptions, if it exists."""
        connection = self._connections.get(connection_id)
        if connection is not None:
            self._connections.delete(connection)

    def drop(self, subscription: Subscription) -> None:
        """Deletes a subscription whose connection is gone, and the connection."""
        self.end(subscription.connection_id)
        self._connections.delete_subscription(subscription)

    def is_leaving(self, connection: Connection) -> bool:
        """Whether it is time to ask the client to reconnect."""
        life = connection.expires_at - connection.connected_at
        return self._clock.now() >= connection.connected_at + until_farewell(life)

    def subscribe(self, connection: Connection, watched: WatchedList) -> Subscription:
        """Subscribes a connection to a user's list, or changes the settings of the list.

        Raises:
            InvalidInput: the connection has too many subscriptions.
            Unauthenticated: the connection has ended.
            Erased: the user was erased.
        """
        user_id = watched.user_id
        self._tombstones.refuse(connection.principal.project, [user_id])
        if user_id not in connection.users and len(connection.users) >= MAX_SUBSCRIPTIONS:
            raise InvalidInput(f"A connection has at most {MAX_SUBSCRIPTIONS} subscriptions. Open another one.")
        subscription = Subscription(
            project=connection.principal.project,
            connection_id=connection.connection_id,
            expires_at=connection.expires_at,
            watched=watched,
            principal=connection.principal,
        )
        try:
            self._connections.name_user(connection, user_id, subscribed=True)
        except Conflict as error:
            raise Unauthenticated("This connection has ended. Open a new one.") from error
        self._connections.put_subscription(subscription)
        return subscription

    def unsubscribe(self, connection: Connection, user_id: str) -> None:
        """Ends a subscription, if it exists."""
        if user_id not in connection.users:
            return
        principal = connection.principal
        bare = Subscription(principal.project, connection.connection_id, connection.expires_at, WatchedList(user_id))
        if user_id == principal.user_id:
            self._connections.put_subscription(bare)
        else:
            self._connections.delete_subscription(bare)
        self._connections.name_user(connection, user_id, subscribed=False)

    def subscriptions(self, connection: Connection) -> list[Subscription]:
        """Returns the subscriptions of a connection."""
        project = connection.principal.project
        subscriptions = (
            self._connections.subscription(project, user_id, connection.connection_id)
            for user_id in sorted(connection.users)
        )
        return [each for each in subscriptions if each is not None and each.principal is not None]

    def any_of(self, project: str) -> bool:
        """Whether a project may have live connections. If it has any, the result is true."""
        return self._connections.any_of(project)

    def watching(self, project: str, user_id: str) -> list[Subscription]:
        """Returns the subscriptions to a user's list."""
        subscriptions = self._connections.of_user(project, user_id)
        return [subscription for subscription in subscriptions if subscription.principal is not None]

    def show(self, subscription: Subscription, shown: str) -> None:
        """Stores the digest of the list that was pushed."""
        self._connections.show(subscription, shown)
