"""Create, read, update and delete items."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from app.clock import Clock
from app.domain.fields import PROPERTIES, ImportMark, Selection, mark_after
from app.domain.items import Item
from app.domain.paging import Page
from app.domain.preconditions import Precondition
from app.errors import NotFound
from app.services.merging import Facts, Merged, merge, patched
from app.services.preconditions import ANY, check, retried
from app.storage.items import ItemStore


class ItemObserver(Protocol):
    """Learns of items that this process wrote, before other processes read them from the change index."""

    def items_written(self, project: str, items: Sequence[Item]) -> None:
        """Uses the items as they are now; deleted ones are marked."""


class Items:
    def __init__(self, store: ItemStore, observers: Sequence[ItemObserver], clock: Clock) -> None:
        self._store, self._observers, self._clock = store, observers, clock

    def get(self, project: str, item_id: str) -> Item:
        """Returns an item.

        Raises:
            NotFound: the item does not exist or was deleted.
        """
        item = self._store.get(project, item_id)
        if item is None or item.deleted:
            raise NotFound("There is no such item.")
        return item

    def put(self, project: str, item: Item, expected: Precondition = ANY) -> Item:
        """Creates or replaces an item; an equal item is left as it is.

        Raises:
            PreconditionFailed: the stored item is not in the expected state.
        """

        def write() -> Item:
            current = self._store.get(project, item.item_id)
            check(expected, None if current is None or current.deleted else current.etag)
            return self._write(project, item, current)

        return retried(write)

    def patch(self, project: str, item_id: str, changes: Mapping[str, Any], expected: Precondition = ANY) -> Item:
        """Replaces title and categories, and merges properties (RFC 7396).

        Raises:
            NotFound: the item does not exist.
            PreconditionFailed: the stored item is not in the expected state.
        """

        def write() -> Item:
            current = self.get(project, item_id)
            check(expected, current.etag)
            properties = patched(current.properties, changes.get("properties") or {})
            item = replace(current, **{**changes, "properties": properties, "import_mark": None})
            return self._write(project, item, current)

        return retried(write)

    def delete(self, project: str, item_id: str, expected: Precondition = ANY) -> None:
        """Deletes an item. Its events stay; it is never recommended again.

        Raises:
            NotFound: the item does not exist.
            PreconditionFailed: the stored item is not in the expected state.
        """

        def write() -> Item:
            current = self.get(project, item_id)
            check(expected, current.etag)
            tombstone = Item(item_id, updated_at=self._clock.now(), deleted=True)
            self._store.put(project, tombstone, current)
            self._notify(project, [tombstone])
            return tombstone

        retried(write)

    def delete_many(self, project: str, item_ids: Sequence[str]) -> None:
        """Deletes those of the items that exist. Their events stay."""
        stored = self._store.get_many(project, item_ids, consistent=True)
        now = self._clock.now()
        pairs = [
            (Item(item_id, updated_at=now, deleted=True), item) for item_id, item in stored.items() if not item.deleted
        ]
        self._store.delete_many(project, pairs)
        self._notify(project, [tombstone for tombstone, _ in pairs])

    def put_many(self, project: str, items: Sequence[Item]) -> int:
        """Creates or replaces many items; returns how many were new or different. The last of equal ids counts."""
        unique = {item.item_id: item for item in items}
        stored = self._store.get_many(project, list(unique), consistent=True)
        changed = [
            (self._dated(item, stored.get(item_id)), stored.get(item_id))
            for item_id, item in unique.items()
            if not _is_same(item, stored.get(item_id))
        ]
        self._store.put_many(project, changed)
        self._notify(project, [item for item, _ in changed])
        return len(changed)

    def merge_many(self, project: str, facts: Sequence[Facts], mark: ImportMark | None = None) -> Merged[Item]:
        """Creates items, or adds facts to them. A deleted item is created without its former facts.

        Raises:
            Conflict: an item was changed by others during each of five attempts.
        """

        def changed(fact: Facts, stored: Item | None) -> Item | None:
            if stored is None or stored.deleted:
                stored = None
            elif fact.only_if_new:
                return None
            item = stored or Item(fact.record_id)
            properties = {**item.properties, **fact.changes.get("properties", {})}
            item = replace(item, **{**fact.changes, "properties": properties, "import_mark": mark})
            return None if _is_same(item, stored) else self._dated(item, stored)

        def write(changes: Sequence[tuple[Item, Item | None]]) -> Collection[str]:
            lost = self._store.put_unless_changed(project, changes)
            self._notify(project, [item for item, _ in changes if item.item_id not in lost])
            return lost

        return merge(facts, lambda item_ids: self._store.get_stored(project, item_ids), changed, write)

    def list_page(
        self, project: str, category: str | None, start: str | None, limit: int, selection: Selection | None = None
    ) -> Page[Item]:
        """Returns a page of items; their properties are only read if the selection has some."""
        with_properties = selection is None or selection.has(PROPERTIES)
        return self._store.list_page(project, category, start, limit, with_properties=with_properties)

    def _write(self, project: str, item: Item, current: Item | None) -> Item:
        if current is not None and _is_same(item, current):
            return current
        dated = self._dated(item, current)
        self._store.put(project, dated, current)
        self._notify(project, [dated])
        return dated

    def _dated(self, item: Item, current: Item | None) -> Item:
        now = self._clock.now()
        if current is None or current.deleted:
            return replace(item, created_at=now, updated_at=now)
        mark = mark_after(current.import_mark, item.import_mark)
        return replace(item, created_at=current.created_at, updated_at=now, import_mark=mark)

    def _notify(self, project: str, items: Sequence[Item]) -> None:
        for observer in self._observers:
            observer.items_written(project, items)


def _is_same(item: Item, current: Item | None) -> bool:
    return current is not None and item == replace(current, created_at=item.created_at, updated_at=item.updated_at)
