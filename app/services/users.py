"""Create, read and update users; `privacy` erases them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from app.clock import Clock
from app.domain.fields import ImportMark, mark_after
from app.domain.paging import Page
from app.domain.preconditions import Precondition
from app.domain.users import User
from app.errors import NotFound
from app.services.merging import Facts, Merged, merge, patched
from app.services.preconditions import ANY, check, retried
from app.services.privacy.tombstones import Tombstones
from app.storage.users import UserStore

Written = TypeVar("Written")


class Users:
    def __init__(self, store: UserStore, tombstones: Tombstones, clock: Clock) -> None:
        self._store, self._tombstones, self._clock = store, tombstones, clock

    def get(self, project: str, user_id: str) -> User:
        """Returns a user.

        Raises:
            NotFound: the user does not exist.
        """
        user = self._store.get(project, user_id)
        if user is None:
            raise NotFound("There is no such user.")
        return user

    def put(self, project: str, user: User, expected: Precondition = ANY) -> User:
        """Creates or replaces a user; an equal user is left as it is.

        Raises:
            Erased: the user was erased.
            PreconditionFailed: the stored user is not in the expected state.
        """

        def write() -> User:
            current = self._store.get(project, user.user_id)
            check(expected, current.etag if current else None)
            return self._write(project, user, current)

        return self._guarded(project, [user.user_id], lambda: retried(write))

    def patch(self, project: str, user_id: str, changes: Mapping[str, Any], expected: Precondition = ANY) -> User:
        """Merges properties (RFC 7396).

        Raises:
            NotFound: the user does not exist.
            PreconditionFailed: the stored user is not in the expected state.
        """

        def write() -> User:
            current = self.get(project, user_id)
            check(expected, current.etag)
            properties = patched(current.properties, changes.get("properties") or {})
            return self._write(project, replace(current, properties=properties, import_mark=None), current)

        user = retried(write)
        self._tombstones.undo_erased(project, [user_id], lambda erased: self._delete(project, erased))
        return user

    def put_many(self, project: str, users: Sequence[User]) -> int:
        """Creates or replaces many users; returns how many were new or different. The last of equal ids counts.

        Raises:
            Erased: some of the users were erased; its `positions` say which. Nothing was stored.
        """
        unique = {user.user_id: user for user in users}

        def write() -> int:
            stored = self._store.get_many(project, list(unique), consistent=True)
            changed = [
                self._dated(user, stored.get(user_id))
                for user_id, user in unique.items()
                if not _is_same(user, stored.get(user_id))
            ]
            self._store.put_many(project, changed)
            return len(changed)

        return self._guarded(project, [user.user_id for user in users], write)

    def merge_many(self, project: str, facts: Sequence[Facts], mark: ImportMark | None = None) -> Merged[User]:
        """Creates users, or adds facts to them.

        Raises:
            Conflict: a user was changed by others during each of five attempts.
            Erased: some of the users were erased; its `positions` say which. Nothing was stored.
        """

        def changed(fact: Facts, stored: User | None) -> User | None:
            user = stored or User(fact.record_id)
            user = replace(user, properties={**user.properties, **fact.changes.get("properties", {})}, import_mark=mark)
            return None if _is_same(user, stored) else self._dated(user, stored)

        def write() -> Merged[User]:
            return merge(
                facts,
                lambda ids: self._store.get_many(project, ids, consistent=True),
                changed,
                lambda changes: self._store.put_unless_changed(project, changes),
            )

        return self._guarded(project, [fact.record_id for fact in facts], write)

    def delete_many(self, project: str, user_ids: Sequence[str]) -> None:
        """Deletes profiles; events stay, and the users are not refused."""
        self._store.delete_many(project, user_ids)

    def list_page(self, project: str, start: str | None, limit: int) -> Page[User]:
        return self._store.list_page(project, start, limit)

    def _write(self, project: str, user: User, current: User | None) -> User:
        if current is not None and _is_same(user, current):
            return current
        dated = self._dated(user, current)
        self._store.put(project, dated, current)
        return dated

    def _guarded(self, project: str, user_ids: Sequence[str], write: Callable[[], Written]) -> Written:
        return self._tombstones.guard(project, user_ids, write, lambda erased: self._delete(project, erased))

    def _delete(self, project: str, user_ids: Iterable[str]) -> None:
        for user_id in user_ids:
            self._store.delete(project, user_id)

    def _dated(self, user: User, current: User | None) -> User:
        now = self._clock.now()
        if current is None:
            return replace(user, created_at=now, updated_at=now)
        mark = mark_after(current.import_mark, user.import_mark)
        return replace(user, created_at=current.created_at, updated_at=now, import_mark=mark)


def _is_same(user: User, current: User | None) -> bool:
    return current is not None and user.properties == current.properties
