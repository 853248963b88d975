"""Unknown items: events may name items that are not in the catalog; they are recommended only without a catalog."""

from collections.abc import Callable

from app.services.catalog.item_cache import ItemCache


class UnknownItems:
    def __init__(self, items: ItemCache, setting: Callable[[str], bool | None]) -> None:
        """`setting` returns what a project has set; None if nothing."""
        self._items, self._setting = items, setting

    def are_admitted(self, project: str) -> bool:
        """Whether items without a record may be recommended: as the project has set, else while it has no items."""
        setting = self._setting(project)
        return not self._items.has_any(project) if setting is None else setting
