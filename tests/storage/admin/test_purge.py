"""A purge finds every row of its project, and reads next to nothing of others."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.models import Model

from app import clock
from app.config import Settings
from app.domain.items import Item
from app.domain.privacy import Receipt
from app.domain.recommendations import LiveList
from app.services.counters.rollups import PARTS
from app.storage.admin.purge import Purge
from app.storage.database import plain_name
from app.storage.events import EventRow, EventStore
from app.storage.items import ItemRow, ItemStore
from app.storage.lists import LiveListStore
from app.storage.neighbors import NeighborStore
from app.storage.packed_catalogs import PackedCatalogStore
from app.storage.table import key
from app.storage.users import UserRow, UserStore
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import a_project, an_event, an_item, two_tastes, wired_on

GONE, STAYS = "gone", "gone-not"


@pytest.fixture
def shops(own: Settings) -> Iterator[Wired]:
    """Tables with two projects."""
    wired = wired_on(own)
    for project in (GONE, STAYS):
        a_project(wired, project)
    yield wired
    wired.close()


def purge(wired: Wired, *, is_indexed: bool = True, is_last: bool = True, stops: bool = False) -> dict[str, int]:
    """Runs a pass, page by page if it `stops` after each; returns the numbers of removed rows."""
    removed: dict[str, int] = {}
    checkpoint = None
    while True:
        a_pass = Purge(wired.database, GONE, tuple(PARTS), is_indexed=is_indexed, is_last=is_last)
        checkpoint = a_pass.run(checkpoint, removed, lambda: stops)
        if checkpoint is None:
            return {name: number for name, number in removed.items() if number}


def left(wired: Wired, *models: type[Model]) -> list[dict[str, Any]]:
    """Returns the rows of the purged project, without the project itself and its keys."""
    others = (f"{STAYS}#", f"#{STAYS}", f"'{STAYS}'")
    return [
        row
        for row in tables.naming(wired, GONE, *models)
        if not any(name in str(row) for name in (*others, "key#", "project#"))
    ]


def put_strays(wired: Wired, project: str) -> None:
    """Writes what no item, user or event of the project names, or no longer."""
    wired.services.refusals.add(project, 422, "Broken.", ())
    database, now = wired.database, clock.now()
    item = Item("tea", "Tea", ("hot", "old"), {}, now, now)
    ItemStore(database).put(project, item, None)
    crashing = ItemStore(database)
    crashing._unlist = lambda *_: None  # type: ignore[method-assign]  # noqa: SLF001 - it was killed before
    crashing.put(project, Item("tea", "Tea", ("hot",), {}, now, now + timedelta(seconds=1)), item)
    LiveListStore(database).put(project, [LiveList("trending", "old", 0.0, b""), LiveList("recent", "", 0.0, b"")])
    UserStore(database).begin_erasures(project)
    UserStore(database).put_erasure(project, "digest", Receipt("r1", now, {}))
    EventStore(database).put_verdicts(project, {"ann": b"verdicts"})
    PackedCatalogStore(database, ItemStore(database)).want(project, now + timedelta(days=1))
    assert wired.services.packer.consider(project)


class TestPurge:
    @pytest.mark.parametrize("is_indexed", [True, False], ids=["listed", "of release 0.7"])
    def test_rows_that_nothing_of_the_project_names_are_removed(self, shops: Wired, *, is_indexed: bool) -> None:
        for project in (GONE, STAYS):
            put_strays(shops, project)
        EventStore(shops.database).put_many(GONE, [an_event()])
        if not is_indexed:  # as that release wrote them
            ItemRow(key(GONE, "", "hot")).delete()
            ItemRow(key(GONE, "", "old")).delete()
            UserRow(key(GONE, "", "digest")).update([UserRow.listing.remove(), UserRow.position.remove()])
            EventRow(key(GONE, "ann"), "~verdicts").update([EventRow.month.remove()])
        stays = Counter(map(str, tables.rows(shops))) - Counter(map(str, left(shops)))

        purge(shops, is_indexed=is_indexed)

        assert left(shops) == []
        assert Counter(map(str, tables.rows(shops))) == stays

    def test_a_pass_that_stops_after_each_page_removes_and_counts_each_row_once(self, shops: Wired) -> None:
        services = shops.services
        services.items.put_many(GONE, [an_item(f"i{n}", "all", f"c{n}") for n in range(12)])
        services.events.accept(GONE, two_tastes())
        services.train.run(GONE, services.train.queue(GONE))
        services.train.queue(GONE)
        put_strays(shops, GONE)
        expected = {plain_name(model): len(left(shops, model)) for model in shops.database.models}

        removed = purge(shops, stops=True)

        assert left(shops) == []
        assert removed == {name: number for name, number in expected.items() if number}
        assert {"items", "users", "events", "neighbors", "lists", "versions"} <= removed.keys()

    def test_the_last_pass_finds_what_was_written_after_the_first(self, shops: Wired) -> None:
        """An instance that remembers a month or a category does not list it again."""
        events, items = EventStore(shops.database), ItemStore(shops.database)

        def write(number: int) -> None:
            events.put_many(GONE, [an_event(f"u{number}")])
            events.put_verdicts(GONE, {"nobody": b"verdicts"})
            items._list_categories(GONE, [(an_item("i", "all"), None)])  # noqa: SLF001
            row = ItemRow(key=key(GONE, f"i{number}", "all"), listing=key(GONE, "03", "all"), position=f"t#i{number}")
            row.save()

        write(1)
        purge(shops, is_last=False)
        write(2)
        purge(shops)

        assert left(shops) == []

    def test_the_lasting_rows_of_others_are_not_read(self, shops: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
        dispatch, read = shops.database.connection.dispatch, Counter[str]()

        def counted(operation: str, request: dict[str, Any]) -> dict[str, Any]:
            response = dispatch(operation, request)
            read[operation] += response.get("ScannedCount", 0)
            return response

        monkeypatch.setattr(shops.database.connection, "dispatch", counted)
        shops.services.items.put_many(STAYS, [an_item(f"i{n}", "all") for n in range(12)])
        shops.services.events.accept(STAYS, two_tastes())
        NeighborStore(shops.database).put_rows(STAYS, "v1", [("i1", b"row")])
        put_strays(shops, STAYS)

        read.clear()
        purge(shops)

        assert {"Query", "Scan"} <= read.keys()
        assert read.total() == 0
