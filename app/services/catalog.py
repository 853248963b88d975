"""Items and users: what the developer says of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from app.domain import Item, Page, User
from app.errors import Conflict, NotFound
from app.storage.items import Items
from app.storage.users import Users

ATTEMPTS = 5

Thing = TypeVar("Thing", Item, User)
Clock = Callable[[], datetime]


class Catalog:
    def __init__(self, items: Items, users: Users, clock: Clock, forget: Callable[[str, Iterable[str]], None]) -> None:
        self._items, self._users, self._clock, self._forget = items, users, clock, forget

    def get_item(self, project: str, item_id: str) -> Item:
        """Raises NotFound."""
        item = self._items.get(project, item_id)
        if item is None or item.deleted:
            raise NotFound(f"There is no item {item_id!r}.")
        return item

    def put_item(self, project: str, item: Item) -> Item:
        """Create or replace an item; putting what is there already changes nothing."""
        return self._retried(lambda: self._write_item(project, item, self._items.get(project, item.item_id)))

    def patch_item(self, project: str, item_id: str, changes: Mapping[str, Any]) -> Item:
        """Replace title and categories, merge properties (RFC 7396: null removes)."""

        def patch() -> Item:
            current = self.get_item(project, item_id)
            properties = _merged(current.properties, changes.get("properties") or {})
            return self._write_item(project, replace(current, **{**changes, "properties": properties}), current)

        return self._retried(patch)

    def delete_item(self, project: str, item_id: str) -> None:
        """Raises NotFound. Events of the item stay; it is never recommended again."""

        def delete() -> Item:
            current = self.get_item(project, item_id)
            marker = Item(item_id, updated_at=self._clock(), deleted=True)
            self._items.put(project, marker, current)
            self._forget(project, [item_id])
            return marker

        self._retried(delete)

    def put_items(self, project: str, items: Sequence[Item]) -> int:
        """Create or replace many items; returns how many of them were new or different."""
        unique = {item.item_id: item for item in items}
        current = self._items.get_many(project, list(unique), consistent=True)
        changes = [(item, current.get(item_id)) for item_id, item in unique.items()]
        changed = [(self._dated(item, old), old) for item, old in changes if not _same_item(item, old)]
        self._items.put_many(project, changed)
        self._forget(project, unique)
        return len(changed)

    def list_items(self, project: str, category: str | None, start: str | None, limit: int) -> Page[Item]:
        return self._items.list_page(project, category, start, limit)

    def get_user(self, project: str, user_id: str) -> User:
        """Raises NotFound."""
        user = self._users.get(project, user_id)
        if user is None:
            raise NotFound(f"There is no user {user_id!r}.")
        return user

    def put_user(self, project: str, user: User) -> User:
        return self._retried(lambda: self._write_user(project, user, self._users.get(project, user.user_id)))

    def patch_user(self, project: str, user_id: str, changes: Mapping[str, Any]) -> User:
        """Merge properties (RFC 7396: null removes)."""

        def patch() -> User:
            current = self.get_user(project, user_id)
            properties = _merged(current.properties, changes.get("properties") or {})
            return self._write_user(project, replace(current, properties=properties), current)

        return self._retried(patch)

    def delete_user(self, project: str, user_id: str) -> None:
        """Raises NotFound. The user's events stay (erasure is another operation)."""
        self.get_user(project, user_id)
        self._users.delete(project, user_id)

    def put_users(self, project: str, users: Sequence[User]) -> int:
        """Create or replace many users; returns how many of them were new or different."""
        unique = {user.user_id: user for user in users}
        current = self._users.get_many(project, list(unique), consistent=True)
        changes = [(user, current.get(user_id)) for user_id, user in unique.items()]
        changed = [(self._dated(user, old), old) for user, old in changes if not _same_user(user, old)]
        self._users.put_many(project, changed)
        return len(changed)

    def list_users(self, project: str, start: str | None, limit: int) -> Page[User]:
        return self._users.list_page(project, start, limit)

    def _write_item(self, project: str, item: Item, current: Item | None) -> Item:
        if current is not None and _same_item(item, current):
            return current
        dated = self._dated(item, current)
        self._items.put(project, dated, current)
        self._forget(project, [item.item_id])
        return dated

    def _write_user(self, project: str, user: User, current: User | None) -> User:
        if current is not None and _same_user(user, current):
            return current
        dated = self._dated(user, current)
        self._users.put(project, dated, current)
        return dated

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
