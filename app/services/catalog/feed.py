"""The newest events of all users, and which of them name unknown items or types."""

from collections.abc import Callable
from datetime import datetime

from app.domain.events import EventSelection, FeedEvent
from app.domain.paging import Page
from app.services.catalog.item_cache import ItemCache
from app.storage.feed import FeedStore


class Feed:
    def __init__(self, store: FeedStore, items: ItemCache, knows_type: Callable[[str, str], bool]) -> None:
        """`knows_type` returns whether a project knows what an event type means."""
        self._store, self._items, self._knows_type = store, items, knows_type

    def reached(self, page: Page[FeedEvent]) -> datetime | None:
        """Returns since when a page and those before it have examined all events; None on the last page."""
        return self._store.reached(page.next_start) if page.next_start is not None else None

    def page(self, project: str, selection: EventSelection, start: str | None, limit: int) -> Page[FeedEvent]:
        """Returns the newest events that meet all conditions, newest first; a short page can have a next one."""
        page = self._store.page(project, selection, start, limit)
        items = self._items.get_many(project, list({event.item_id for event in page.records}))
        records = {item_id: item for item_id, item in items.items() if not item.deleted}
        events = (
            FeedEvent(
                event,
                title=records[event.item_id].title if event.item_id in records else None,
                is_item_known=event.item_id in records,
                is_type_known=self._knows_type(project, event.event_type),
            )
            for event in page.records
        )
        return Page(tuple(events), page.next_start)
