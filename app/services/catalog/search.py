"""Find items by the beginning of an id or of a word of the title, in the catalog snapshot."""

import json
from collections import Counter
from heapq import nsmallest

from app.clock import Clock
from app.domain.items import ItemMatches, ItemOrder, ItemQuery, searchable
from app.services.catalog.snapshot import CachedItem, CatalogSnapshot

MOST_CATEGORIES = 100


class ItemSearch:
    def __init__(self, snapshot: CatalogSnapshot, clock: Clock) -> None:
        self._snapshot, self._clock = snapshot, clock

    def search(self, project: str, query: ItemQuery, start: str | None, limit: int) -> ItemMatches:
        """Returns a page of the items that meet all conditions, and the categories of all items that do.

        Costs nothing in the database beyond the snapshot that filters use: read once by an instance, then kept current.

        Args:
            project: the project.
            query: the conditions and the order.
            start: the next start of the previous page.
            limit: the most items of the page.
        """
        cached, is_complete = self._snapshot.get(project)
        text, now = searchable(query.text), self._clock.now()
        matching = [
            item
            for item in list(cached.values())
            if not item.item.deleted
            and (query.status is None or item.item.status(now) is query.status)
            and (not text or _matches(item, text, query.text))
        ]
        categories = Counter(category for item in matching for category in item.item.categories)
        if query.category is not None:
            matching = [item for item in matching if query.category in item.item.categories]
        ordered = ((_position(item, query.order), item) for item in matching)
        reached = tuple(json.loads(start)) if start else None
        rest = [(position, item) for position, item in ordered if reached is None or position > reached]
        page = nsmallest(limit, rest, key=lambda pair: pair[0])
        return ItemMatches(
            items=tuple(item.item for _, item in page),
            total=len(matching),
            categories=categories.most_common(MOST_CATEGORIES),
            is_complete=is_complete,
            next_start=json.dumps(page[-1][0]) if len(rest) > len(page) else None,
        )


def _matches(item: CachedItem, text: str, original: str) -> bool:
    return item.words.startswith(text) or f" {text}" in item.words or item.item.item_id.startswith(original)


def _position(item: CachedItem, order: ItemOrder) -> tuple[str | float, str]:
    """Returns what the item is ordered by, and its id, which makes it unique."""
    if order is ItemOrder.TITLE:
        return item.words, item.item.item_id
    time = item.item.created_at if order is ItemOrder.NEWEST else item.item.updated_at
    return -time.timestamp(), item.item.item_id
