"""Items and users: what the developer says of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from app.domain.items import Item
from app.domain.paging import Page
from app.domain.preconditions import Precondition
from app.domain.users import User
from app.errors import Conflict, Erased, NotFound
from app.services.preconditions import check
from app.storage.items import ItemStore
from app.storage.users import UserStore

ATTEMPTS = 5

Thing = TypeVar("Thing", Item, User)
Clock = Callable[[], datetime]
ANYHOW = Precondition()


class Catalog:
    def __init__(
        self,
        items: ItemStore,
        users: UserStore,
        clock: Clock,
        changed: Callable[[str, Sequence[Item]], None],
        erased: Callable[[str, Sequence[str]], set[str]],
    ) -> None:
        self._items, self._users, self._clock = items, users, clock
        self._changed, self._erased = changed, erased

    def get_item(self, project: str, item_id: str) -> Item:
        """Raises NotFound."""
        item = self._items.get(project, item_id)
        if item is None or item.deleted:
            raise NotFound("There is no such item.")
        return item

    def put_item(self, project: str, item: Item, expected: Precondition = ANYHOW) -> Item:
        """Create or replace an item; putting what is there already changes nothing.

        Raises:
            PreconditionFailed: it is not in the expected state.
        """

        def put() -> Item:
            current = self._items.get(project, item.item_id)
            check(expected, None if current is None or current.deleted else current.etag)
            return self._write_item(project, item, current)

        return self._retried(put)

    def patch_item(
        self, project: str, item_id: str, changes: Mapping[str, Any], expected: Precondition = ANYHOW
    ) -> Item:
        """Replace title and categories, merge properties (RFC 7396: null removes)."""

        def patch() -> Item:
            current = self.get_item(project, item_id)
            check(expected, current.etag)
            properties = _merged(current.properties, changes.get("properties") or {})
            return self._write_item(project, replace(current, **{**changes, "properties": properties}), current)

        return self._retried(patch)

    def delete_item(self, project: str, item_id: str, expected: Precondition = ANYHOW) -> None:
        """Raises NotFound. Events of the item stay; it is never recommended again."""

        def delete() -> Item:
            current = self.get_item(project, item_id)
            check(expected, current.etag)
            marker = Item(item_id, updated_at=self._clock(), deleted=True)
            self._items.put(project, marker, current)
            self._changed(project, [marker])
            return marker

        self._retried(delete)

    def put_items(self, project: str, items: Sequence[Item]) -> int:
        """Create or replace many items; returns how many of them were new or different."""
        unique = {item.item_id: item for item in items}
        current = self._items.get_many(project, list(unique), consistent=True)
        changes = [(item, current.get(item_id)) for item_id, item in unique.items()]
        changed = [(self._dated(item, old), old) for item, old in changes if not _same_item(item, old)]
        self._items.put_many(project, changed)
        self._changed(project, [item for item, _ in changed])
        return len(changed)

    def list_items(self, project: str, category: str | None, start: str | None, limit: int) -> Page[Item]:
        return self._items.list_page(project, category, start, limit)

    def get_user(self, project: str, user_id: str) -> User:
        """Raises NotFound."""
        user = self._users.get(project, user_id)
        if user is None:
            raise NotFound("There is no such user.")
        return user

    def put_user(self, project: str, user: User, expected: Precondition = ANYHOW) -> User:
        """Raises Erased where the user must not come back, and PreconditionFailed."""
        self._refuse_erased(project, [user.user_id])

        def put() -> User:
            current = self._users.get(project, user.user_id)
            check(expected, current.etag if current else None)
            return self._write_user(project, user, current)

        return self._retried(put)

    def patch_user(
        self, project: str, user_id: str, changes: Mapping[str, Any], expected: Precondition = ANYHOW
    ) -> User:
        """Merge properties (RFC 7396: null removes)."""

        def patch() -> User:
            current = self.get_user(project, user_id)
            check(expected, current.etag)
            properties = _merged(current.properties, changes.get("properties") or {})
            return self._write_user(project, replace(current, properties=properties), current)

        return self._retried(patch)

    def put_users(self, project: str, users: Sequence[User]) -> int:
        """Create or replace many users; returns how many of them were new or different."""
        unique = {user.user_id: user for user in users}
        self._refuse_erased(project, [user.user_id for user in users])
        current = self._users.get_many(project, list(unique), consistent=True)
        changes = [(user, current.get(user_id)) for user_id, user in unique.items()]
        changed = [(self._dated(user, old), old) for user, old in changes if not _same_user(user, old)]
        self._users.put_many(project, changed)
        self._forget_erased(project, unique)
        return len(changed)

    def list_users(self, project: str, start: str | None, limit: int) -> Page[User]:
        return self._users.list_page(project, start, limit)

    def _write_item(self, project: str, item: Item, current: Item | None) -> Item:
        if current is not None and _same_item(item, current):
            return current
        dated = self._dated(item, current)
        self._items.put(project, dated, current)
        self._changed(project, [dated])
        return dated

    def _write_user(self, project: str, user: User, current: User | None) -> User:
        if current is not None and _same_user(user, current):
            return current
        dated = self._dated(user, current)
        self._users.put(project, dated, current)
        self._forget_erased(project, [user.user_id])
        return dated

    def _refuse_erased(self, project: str, user_ids: Sequence[str]) -> None:
        erased = self._erased(project, sorted(set(user_ids)))
        if erased:
            positions = tuple(place for place, user_id in enumerate(user_ids) if user_id in erased)
            raise Erased("Users were erased", positions)

    def _forget_erased(self, project: str, user_ids: Iterable[str]) -> None:
        """Remove what was written of users whose erasure may have passed just before."""
        for user_id in self._erased(project, sorted(user_ids)):
            self._users.delete(project, user_id)

    def _dated(self, thing: Thing, current: Thing | None) -> Thing:
        now = self._clock()
        revived = isinstance(current, Item) and current.deleted
        return replace(thing, created_at=current.created_at if current and not revived else now, updated_at=now)

    def _retried(self, write: Callable[[], Thing]) -> Thing:
        for _ in range(ATTEMPTS - 1):
            try:
                return write()
            except Conflict:
                continue
        return write()


def _same_item(item: Item, current: Item | None) -> bool:
    return current is not None and item == replace(current, created_at=item.created_at, updated_at=item.updated_at)


def _same_user(user: User, current: User | None) -> bool:
    return current is not None and user.properties == current.properties


def _merged(current: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """JSON merge patch, RFC 7396."""
    merged = dict(current)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            below = merged.get(name)
            merged[name] = _merged(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[name] = value
    return merged
