"""Store users, one row each. An erased user leaves a row under a hash of their id, so that they stay refused."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.models import Model

from app.domain.paging import Page
from app.domain.privacy import Receipt
from app.domain.users import User
from app.errors import Conflict
from app.storage import listing
from app.storage.access import receipt_of
from app.storage.attributes import (
    FactsAttribute,
    PropertiesAttribute,
    TimestampAttribute,
    decoded,
    import_mark,
    mark_attributes,
)
from app.storage.database import Database, Raw
from app.storage.listing import ListingIndex
from app.storage.table import LISTING_SHARDS, Table, iso, key, moment, shard

ERASURES = "erasures"
"""Names the row that says whether a project may have erased users; no hash is equal to it."""


class UserRow(Model):
    class Meta:
        table_name = "users"

    key = UnicodeAttribute(hash_key=True)
    """project#user, or project##hash of an erased user, or project##erasures."""
    listing = UnicodeAttribute(null=True)
    """project#shard; of an erased user project##erasures."""
    position = UnicodeAttribute(null=True)
    properties = PropertiesAttribute(null=True)
    created_at = TimestampAttribute(null=True)
    updated_at = TimestampAttribute(null=True)
    import_id = UnicodeAttribute(null=True)
    import_changed = BooleanAttribute(null=True)
    erasure = FactsAttribute(null=True)
    """The receipt."""
    erasures = BooleanAttribute(null=True)
    """Whether the project may have erased users."""
    by_listing = ListingIndex()


class UserStore:
    def __init__(self, database: Database) -> None:
        self._table = Table(database, UserRow)

    def get(self, project: str, user_id: str) -> User | None:
        row = self._table.get(key(project, user_id), consistent=True)
        return _user(row) if row else None

    def get_many(self, project: str, user_ids: Sequence[str], *, consistent: bool = False) -> dict[str, User]:
        rows = self._table.get_many([key(project, user_id) for user_id in user_ids], consistent=consistent)
        users = [_user(row) for row in rows]
        return {user.user_id: user for user in users}

    def put(self, project: str, user: User, previous: User | None) -> None:
        """Writes a user. Raises Conflict if it has changed since `previous` was read."""
        unchanged = UserRow.key.does_not_exist() if previous is None else UserRow.updated_at == previous.updated_at
        self._table.put(_row(project, user), unchanged)

    def put_many(self, project: str, users: Sequence[User]) -> None:
        """Writes users; the last writer wins."""
        self._table.write_many([_row(project, user) for user in users])

    def put_unless_changed(self, project: str, changes: Sequence[tuple[User, User | None]]) -> set[str]:
        """Writes pairs of a user and their stored state, None for new users.

        Returns the ids of users that were not written, because they have changed since. New users are not compared.
        """
        rows = {user.user_id: (_row(project, user).serialize(), previous) for user, previous in changes}
        if self._table.can_load(rows):
            self._table.load([row for row, _ in rows.values()])
            return set()
        self._table.write_rows([row for row, previous in rows.values() if previous is None])
        return self._table.put_each(
            {
                name: (row, UserRow.updated_at == previous.updated_at)
                for name, (row, previous) in rows.items()
                if previous
            }
        )

    def delete(self, project: str, user_id: str) -> None:
        self.delete_many(project, [user_id])

    def delete_many(self, project: str, user_ids: Sequence[str]) -> None:
        self._table.write_many([], [self._table.key(key(project, user_id)) for user_id in user_ids])

    def erasures(self, project: str, hashes: Sequence[str], *, consistent: bool = True) -> dict[str, Receipt]:
        """Returns the receipts of erased users by the hashes of their ids."""
        rows = self._table.get_many([key(project, "", hashed) for hashed in hashes], consistent=consistent)
        return {str(row["key"]["S"]).split("#", 2)[2]: receipt_of(decoded(row, "erasure")) for row in rows}

    def put_erasure(self, project: str, hashed: str, erasure: Receipt) -> None:
        row = UserRow(
            key=key(project, "", hashed),
            listing=key(project, "", ERASURES),
            position=iso(erasure.started_at),
            erasure=asdict(erasure),
        )
        self._table.write_many([row])

    def begin_erasures(self, project: str) -> None:
        """Records that the project may have erased users from now on."""
        self._table.write_many([UserRow(key=key(project, "", ERASURES), erasures=True)])

    def promise_no_erasures(self, project: str) -> None:
        """Records that the project has no erased users, unless something was recorded before."""
        with suppress(Conflict):
            self._table.put(UserRow(key=key(project, "", ERASURES), erasures=False), UserRow.key.does_not_exist())

    def may_have_erasures(self, project: str) -> bool:
        row = self._table.get(key(project, "", ERASURES), consistent=True)
        return row is None or bool(row["erasures"]["BOOL"])

    def delete_erasure(self, project: str, hashed: str) -> None:
        self._table.write_many([], [self._table.key(key(project, "", hashed))])

    def list_page(self, project: str, start: str | None, limit: int) -> Page[User]:
        def get(user_ids: Sequence[str]) -> list[User]:
            users = self.get_many(project, user_ids)
            return [users[user_id] for user_id in user_ids if user_id in users]

        return listing.page(self._table, project, None, start, limit, get)


def _row(project: str, user: User) -> UserRow:
    return UserRow(
        key=key(project, user.user_id),
        listing=listing.partition(project, shard(user.user_id, LISTING_SHARDS)),
        position=key(iso(user.created_at), user.user_id),
        properties=user.properties or None,
        created_at=user.created_at,
        updated_at=user.updated_at,
        **mark_attributes(user.import_mark),
    )


def _user(row: Raw) -> User:
    return User(
        user_id=str(row["key"]["S"]).split("#", 1)[1],
        properties=decoded(row, "properties") or {},
        created_at=moment(row["created_at"]["S"]),
        updated_at=moment(row["updated_at"]["S"]),
        import_mark=import_mark(row),
    )
