"""Store open sockets and their subscriptions. Rows expire, so that a missed disconnect leaves nothing behind."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from pynamodb.attributes import JSONAttribute, TTLAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.models import Model

from app import clock
from app.domain.sockets import Connection, Subscription, WatchedList
from app.errors import Conflict
from app.storage.attributes import TimestampAttribute, decoded, expiry, names, text
from app.storage.database import Database, Raw
from app.storage.principals import principal_facts, principal_of
from app.storage.table import Table, is_expired, key, moment

CONNECTION, TICKET, PRESENCE = "connection", "ticket", "presence"
ONLY = "-"
"""Sort key of a row that is alone in its partition."""


class ConnectionRow(Model):
    class Meta:
        table_name = "connections"

    key = UnicodeAttribute(hash_key=True)
    """connection#id; project#user (subscriptions); project##presence; ticket#digest (used tickets)."""
    part = UnicodeAttribute(range_key=True)
    """The id of the connection in subscriptions, else `ONLY`."""
    project = UnicodeAttribute(null=True)
    principal = JSONAttribute(null=True)
    connected_at = TimestampAttribute(null=True)
    users: UnicodeSetAttribute = UnicodeSetAttribute(null=True)
    """The users whose lists the connection is subscribed to."""
    watched = JSONAttribute(null=True)
    """Limit, scenario and properties of a subscription; missing if the row only marks a user's connection."""
    shown = UnicodeAttribute(null=True)
    """Digest of the last list that was pushed."""
    expires_at = TTLAttribute()


class ConnectionStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, ConnectionRow)
        self._present: dict[str, float] = {}

    def put(self, connection: Connection) -> None:
        """Stores a connection, and that its project has one. Raises Conflict if the connection exists."""
        principal, user_id = connection.principal, connection.principal.user_id
        self._mark_present(principal.project, connection.expires_at)
        if user_id is not None:
            own = Subscription(principal.project, connection.connection_id, connection.expires_at, WatchedList(user_id))
            self.put_subscription(own)
        row = ConnectionRow(
            key=key(CONNECTION, connection.connection_id),
            part=ONLY,
            project=principal.project,
            principal=principal_facts(principal),
            connected_at=connection.connected_at,
            users=connection.users or None,
            expires_at=connection.expires_at,
        )
        self._table.put(row, ConnectionRow.key.does_not_exist())

    def get(self, connection_id: str) -> Connection | None:
        row = self._table.get(key(CONNECTION, connection_id), ONLY, consistent=True)
        return _connection(row) if row and not is_expired(row) else None

    def delete(self, connection: Connection) -> None:
        """Deletes a connection and its subscriptions."""
        project, user_id = connection.principal.project, connection.principal.user_id
        users = connection.users | ({user_id} if user_id is not None else set())
        keys = [self._table.key(key(project, user), connection.connection_id) for user in sorted(users)]
        self._table.write_many([], [*keys, self._table.key(key(CONNECTION, connection.connection_id), ONLY)])

    def put_subscription(self, subscription: Subscription) -> None:
        self._table.write_many(
            [
                ConnectionRow(
                    key=key(subscription.project, subscription.user_id),
                    part=subscription.connection_id,
                    principal=principal_facts(subscription.principal) if subscription.principal else None,
                    watched=_encode(subscription.watched) if subscription.principal else None,
                    shown=subscription.watched.shown,
                    expires_at=subscription.expires_at,
                )
            ]
        )

    def delete_subscription(self, subscription: Subscription) -> None:
        owner = key(subscription.project, subscription.user_id)
        self._table.write_many([], [self._table.key(owner, subscription.connection_id)])

    def subscription(self, project: str, user_id: str, connection_id: str) -> Subscription | None:
        row = self._table.get(key(project, user_id), connection_id, consistent=True)
        return _subscription(row) if row and not is_expired(row) else None

    def of_user(self, project: str, user_id: str) -> list[Subscription]:
        """Returns the subscriptions of a user: their own connections, and others subscribed to them."""
        rows = self._table.query_all(key(project, user_id), consistent=True)
        return [_subscription(row) for row in rows if not is_expired(row)]

    def erase(self, project: str, user_id: str, report: Callable[[int], None]) -> None:
        """Deletes the connections of a user, and the subscriptions of other connections to them.

        Calls `report` with their number before deleting.
        """
        rows = list(self._table.query_all(key(project, user_id), consistent=True))
        report(len(rows))
        for subscription in map(_subscription, rows):
            row = self._table.get(key(CONNECTION, subscription.connection_id), ONLY, consistent=True)
            connection = _connection(row) if row else None
            if connection and connection.principal.user_id == user_id:
                self.delete(connection)
            elif connection:
                with suppress(Conflict):
                    self.name_user(connection, user_id, subscribed=False)
            self.delete_subscription(subscription)

    def name_user(self, connection: Connection, user_id: str, *, subscribed: bool) -> None:
        """Adds or removes a user in a connection's row. Raises Conflict if the connection has ended."""
        users = {user_id}
        action = ConnectionRow.users.add(users) if subscribed else ConnectionRow.users.delete(users)
        self._table.update(key(CONNECTION, connection.connection_id), ONLY, [action], ConnectionRow.key.exists())

    def show(self, subscription: Subscription, shown: str) -> None:
        """Stores the digest of the pushed list, unless the subscription has ended."""
        partition = key(subscription.project, subscription.user_id)
        with suppress(Conflict):
            self._table.update(
                partition, subscription.connection_id, [ConnectionRow.shown.set(shown)], ConnectionRow.key.exists()
            )

    def use_ticket(self, digest: str, expires_at: datetime) -> None:
        """Marks a ticket as used. Raises Conflict if it was used before."""
        row = ConnectionRow(key=key(TICKET, digest), part=ONLY, expires_at=expires_at)
        self._table.put(row, ConnectionRow.key.does_not_exist())

    def any_of(self, project: str) -> bool:
        """Whether a project may have open connections."""
        row = self._table.get(key(project, "", PRESENCE), ONLY, consistent=True)
        return row is not None and not is_expired(row)

    def _mark_present(self, project: str, until: datetime) -> None:
        """Marks the project for twice the lifetime of a connection, so that few connections write it."""
        if self._present.get(project, 0.0) >= until.timestamp():
            return
        ahead = until + (until - clock.now())
        earlier = ConnectionRow.key.does_not_exist() | (ConnectionRow.expires_at < ahead)
        with suppress(Conflict):
            self._table.put(ConnectionRow(key=key(project, "", PRESENCE), part=ONLY, expires_at=ahead), earlier)
        self._present[project] = ahead.timestamp()


def _connection(row: Raw) -> Connection:
    return Connection(
        connection_id=str(row["key"]["S"]).split("#", 1)[1],
        principal=principal_of(decoded(row, "principal")),
        connected_at=moment(row["connected_at"]["S"]),
        expires_at=expiry(row),
        users=names(row, "users"),
    )


def _subscription(row: Raw) -> Subscription:
    project, _, user_id = str(row["key"]["S"]).partition("#")
    settings = decoded(row, "watched") or {}
    return Subscription(
        project=project,
        connection_id=row["part"]["S"],
        expires_at=expiry(row),
        watched=WatchedList(user_id=user_id, shown=text(row, "shown"), **settings),
        principal=principal_of(decoded(row, "principal")) if "principal" in row else None,
    )


def _encode(watched: WatchedList) -> dict[str, object]:
    return {"limit": watched.limit, "scenario": watched.scenario, "properties": watched.properties}
