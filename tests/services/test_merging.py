"""Facts that others change while an import adds its own are kept."""

from collections.abc import Callable
from typing import Any

import pytest

from app.domain.items import Item
from app.domain.users import User
from app.errors import Conflict
from app.services.merging import Facts
from app.storage.items import ItemStore
from app.storage.users import UserStore
from app.wiring import Wired

FACTS = [Facts("a", {"properties": {"price": 2}}), Facts("b", {"properties": {"price": 2}})]


def after_each_read(monkeypatch: pytest.MonkeyPatch, store: type, name: str, change: Callable[[], object]) -> None:
    """Lets something change between the read of an import and its write."""
    read = getattr(store, name)

    def reading(*arguments: Any, **more: Any) -> Any:
        stored = read(*arguments, **more)
        change()
        return stored

    monkeypatch.setattr(store, name, reading)


class TestItems:
    def test_an_item_that_is_hidden_meanwhile_stays_hidden(self, wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
        items, project, changes = wired.services.items, wired.services.settings.project, [True]
        items.put_many(project, [Item("a", "A", ("x",)), Item("b", "B")])
        after_each_read(
            monkeypatch,
            ItemStore,
            "get_stored",
            lambda: changes and changes.pop() and items.patch(project, "a", {"hidden": True, "categories": ("y",)}),
        )

        merged = items.merge_many(project, FACTS)

        a = items.get(project, "a")
        assert (a.hidden, a.categories, a.properties) == (True, ("y",), {"price": 2})
        assert items.get(project, "b").properties == {"price": 2}
        assert merged.changed == {"a", "b"}
        assert [item.item_id for item in items.list_page(project, "y", None, 10).records] == ["a"]
        assert not items.list_page(project, "x", None, 10).records

    def test_an_item_that_never_rests_is_a_conflict(self, wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
        items, project, numbers = wired.services.items, wired.services.settings.project, iter(range(100))
        items.put_many(project, [Item("a"), Item("b")])
        after_each_read(
            monkeypatch, ItemStore, "get_stored", lambda: items.patch(project, "a", {"title": str(next(numbers))})
        )

        with pytest.raises(Conflict, match="changed by others"):
            items.merge_many(project, FACTS)

        assert items.get(project, "b").properties == {"price": 2}


class TestUsers:
    def test_properties_that_are_set_meanwhile_are_kept(self, wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
        users, project, changes = wired.services.users, wired.services.settings.project, [True]
        users.put_many(project, [User("a", {"plan": "free"})])
        after_each_read(
            monkeypatch,
            UserStore,
            "get_many",
            lambda: changes and changes.pop() and users.patch(project, "a", {"properties": {"plan": "paid"}}),
        )

        users.merge_many(project, FACTS)

        assert users.get(project, "a").properties == {"plan": "paid", "price": 2}
