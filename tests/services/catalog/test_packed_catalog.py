"""Items read from a packed catalog and the changes since are those that reading all items gives."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, timedelta
from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app import telemetry
from app.config import Settings
from app.deadline import within
from app.domain.access import Limits
from app.domain.fields import ImportMark
from app.domain.items import Item, PackedCatalog
from app.domain.recommendations import RecommendationQuery
from app.entry import schedule
from app.errors import DeadlineExceeded, NotFound, Unavailable
from app.services.catalog.packer import CatalogPacker
from app.services.catalog.reader import CatalogReader
from app.storage.access import AccessStore
from app.storage.items import ItemStore
from app.storage.neighbors import ListRow
from app.storage.packed_catalogs import PackedCatalogStore, parts_of, pointer_of
from app.storage.table import LISTING_SHARDS, PAGE_ROWS, Table, moment
from tests.support.builders import NOON, a_project, an_item, wired_on
from tests.support.fake_clock import FakeClock

_numbers = count(1)
IDS = [f"i{number}" for number in range(40)]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
ITEM = st.builds(
    Item,
    st.sampled_from(IDS),
    title=st.none() | TEXT.filter(bool),
    categories=st.lists(st.sampled_from(["a", "b", "ö"]), unique=True, max_size=3).map(tuple),
    properties=st.dictionaries(TEXT, JSON, max_size=3),
    hidden=st.booleans(),
    expires_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    import_mark=st.none() | st.builds(ImportMark, st.sampled_from(["m1", "m2"]), st.booleans()),
)
PUT = st.lists(ITEM, min_size=1, max_size=30)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), PUT),
        st.tuples(st.just("put"), PUT),
        st.tuples(st.just("patch"), st.tuples(st.sampled_from(IDS), st.dictionaries(TEXT, JSON, max_size=2))),
        st.tuples(st.just("hide"), st.sampled_from(IDS)),
        st.tuples(st.just("delete"), st.lists(st.sampled_from(IDS), unique=True, max_size=4)),
        st.tuples(st.just("pack"), st.sampled_from([0.0, 400.0, 4_000.0, 4_000.0])),
        st.tuples(st.just("pack"), st.just(4_000.0)),
        st.tuples(st.just("die"), st.integers(0, 9)),
        st.tuples(st.just("damage"), st.tuples(st.integers(0, 7), st.booleans())),
    ),
    min_size=1,
    max_size=12,
)
MANY = [an_item(name, "a", price=number) for number, name in enumerate(IDS)]
CHANGED = [an_item(name, "a", price=-1) for name in IDS]
MARKED = [replace(item, hidden=True, expires_at=NOON, import_mark=ImportMark("m1", is_changed=True)) for item in MANY]


class Killed(BaseException):
    """Ends a process between two writes."""


class MortalStore(PackedCatalogStore):
    """Dies after some writes."""

    writes_left = 1_000

    def put_part(self, *arguments: Any) -> None:
        self._live()
        super().put_part(*arguments)

    def put(self, *arguments: Any) -> Any:
        self._live()
        return super().put(*arguments)

    def _live(self) -> None:
        if self.writes_left == 0:
            raise Killed
        self.writes_left -= 1


class Shop:
    """A project whose catalog is packed and read at the time of a clock."""

    def __init__(self, settings: Settings) -> None:
        self.clock, self.settings = FakeClock(), settings
        self.wired = wired_on(settings, clock=self.clock)
        self.items, self.project = ItemStore(self.wired.database), ""
        self.store = MortalStore(self.wired.database, self.items)
        self.new_project()

    def new_project(self) -> None:
        self.project = f"packed{next(_numbers)}"
        self.wired.services.projects.create(self.project, None, Limits())

    def packer(self, **more: Any) -> CatalogPacker:
        return CatalogPacker(
            store=self.store,
            items=self.items,
            access=AccessStore(self.wired.database),
            settings=self.settings.model_copy(update=more),
            clock=self.clock,
            random_hex=lambda _: f"id{next(_numbers)}",
        )

    def pack(self, **more: Any) -> None:
        """Packs the catalog although it may not be due."""
        self.packer(**more)._pack(self.project, self.store.catalogs(self.project, consistent=True))  # noqa: SLF001

    def read(self, first_rows: int = 1, **more: Any) -> tuple[dict[str, Item], bool]:
        reader = CatalogReader(
            items=self.items,
            packed=self.store,
            settings=self.settings.model_copy(update=more),
            clock=self.clock,
            submit=self.wired.database.submit,
            first_rows=first_rows,
        )
        shards = list(reader.read(self.project))
        items: dict[str, Item] = {}
        for item in (item for shard, _ in shards for item in shard):
            if item.item_id not in items or items[item.item_id].updated_at < item.updated_at:
                items[item.item_id] = item
        return items, all(is_complete for _, is_complete in shards)

    def read_all(self, limit: int) -> tuple[dict[str, Item], bool]:
        """Reads the items from the index alone, the last changed of each shard."""
        items, is_complete = dict[str, Item](), True
        for number in range(LISTING_SHARDS):
            shard, start = self.items.newest_page(self.project, number, PAGE_ROWS)
            while start is not None:
                more, start = self.items.newest_page(self.project, number, PAGE_ROWS, start)
                shard += more
            is_complete = is_complete and len(shard) <= limit
            items |= {item.item_id: item for item in shard[:limit]}
        return items, is_complete

    def current(self) -> PackedCatalog:
        current = self.store.catalogs(self.project, consistent=True).current
        assert current is not None
        return current

    def part_keys(self) -> list[list[str]]:
        row = Table(self.wired.database, ListRow).get_many([pointer_of(self.project)], consistent=True)
        return parts_of(self.project, row[0]) if row else []

    def parts(self) -> list[str]:
        """The keys of all parts that exist."""
        table = Table(self.wired.database, ListRow)
        return [row["key"]["S"] for keys in self.part_keys() for row in table.get_many(keys, consistent=True)]

    def damage(self, number: int, *, is_lost: bool) -> None:
        """Loses or cuts a part of the current catalog."""
        name = next(name for name in self.part_keys()[0] if f"#{number:02d}#" in name)
        if is_lost:
            ListRow(name).delete()
        else:
            row = ListRow.get(name)
            row.packed = row.packed[:-3]
            row.save()


@pytest.fixture
def shop(settings: Settings) -> Iterator[Shop]:
    shop = Shop(settings)
    yield shop
    shop.wired.close()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The reasons of reads in full."""
    reasons: list[str] = []
    monkeypatch.setattr(telemetry, "log_fields", lambda fields: reasons.append(str(fields.get("reason"))))
    return reasons


def facts(items: dict[str, Item]) -> dict[str, Any]:
    """Everything about items, with the mark that comparisons of items leave out."""
    return {name: (item, item.import_mark) for name, item in items.items()}


class TestEquality:
    @hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @example([("put", MANY), ("pack", 4_000.0), ("delete", IDS[:3]), ("hide", "i7")], 1, 1_000, 1_000)
    @example([("put", MARKED), ("pack", 4_000.0)], 1, 1_000, 1_000)
    @example([("put", MANY), ("pack", 4_000.0), ("put", CHANGED)], 1, 1_000, 1_000)
    @example([("put", MANY), ("pack", 0.0), ("put", CHANGED[3:5])], 2, 24, 24)
    @example([("put", MANY), ("pack", 4_000.0)], 1, 24, 24)
    @example([("put", MANY), ("pack", 4_000.0), ("die", 4), ("patch", ("i3", {"a": 1}))], 1, 1_000, 24)
    @example([("put", MANY), ("pack", 4_000.0), ("damage", (3, False))], 1, 1_000, 1_000)
    @example([("put", MANY), ("pack", 4_000.0)], 1, 16, 1_000)
    @given(STEPS, st.integers(1, 3), st.sampled_from([8, 24, 1_000]), st.sampled_from([8, 24, 1_000]))
    def test_both_ways_of_reading_give_the_same_items(
        self, shop: Shop, steps: list[tuple[str, Any]], first_rows: int, packed_items: int, read_items: int
    ) -> None:
        shop.new_project()
        services, project = shop.wired.services, shop.project
        for kind, what in steps:
            match kind:
                case "put":
                    services.items.put_many(project, what)
                case "patch":
                    _if_it_exists(services.items.patch, project, what[0], {"properties": what[1]})
                case "hide":
                    _if_it_exists(services.items.patch, project, what, {"hidden": True})
                case "delete":
                    services.items.delete_many(project, what)
                case "pack":
                    shop.clock.advance(what)
                    shop.pack(catalog_items=packed_items)
                case "die":
                    shop.store.writes_left = what
                    with pytest.raises(Killed):
                        shop.pack(catalog_items=packed_items)
                    shop.store.writes_left = 1_000
                case "damage" if shop.store.catalogs(project, consistent=True).current is not None:
                    _damage(shop, what[0], is_lost=what[1])

        items, is_complete = shop.read(first_rows, catalog_items=read_items)

        expected, all_fit = shop.read_all(read_items // LISTING_SHARDS)
        assert facts(items) == facts(expected)
        assert is_complete == all_fit


def _if_it_exists(change: Callable[..., Any], *arguments: Any) -> None:
    with suppress(NotFound):
        change(*arguments)


def _damage(shop: Shop, number: int, *, is_lost: bool) -> None:
    name = next(name for name in shop.part_keys()[0] if f"#{number:02d}#" in name)
    if name in shop.parts():
        shop.damage(number, is_lost=is_lost)


@pytest.fixture
def packed(shop: Shop) -> Shop:
    """A shop whose catalog was packed after its items had settled."""
    shop.wired.services.items.put_many(shop.project, MANY)
    shop.clock.advance(4_000.0)
    shop.pack()
    return shop


class TestLateness:
    def test_what_the_index_showed_too_late_to_be_packed_is_read_later(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        services, newest_rows = shop.wired.services, shop.items.newest_rows
        services.items.put_many(shop.project, MANY)
        shop.clock.advance(4_000.0)
        services.items.put_many(shop.project, CHANGED)
        late = shop.clock.now() - timedelta(seconds=60)

        def behind(*arguments: Any) -> Any:
            rows, start = newest_rows(*arguments)
            return [row for row in rows if moment(row["updated_at"]["S"]) < late], start

        shop.clock.advance(540.0)
        monkeypatch.setattr(shop.items, "newest_rows", behind)
        shop.pack()
        monkeypatch.undo()

        assert shop.current().items == 0, "the rows of the items were replaced"
        assert shop.read() == shop.read_all(1_000)


class TestFallback:
    """Whatever is wrong with a packed catalog, all items are read, and the reason is logged."""

    def test_nothing_is_logged_if_the_packed_catalog_is_used(self, packed: Shop, logged: list[str]) -> None:
        assert packed.read() == packed.read_all(1_000)
        assert logged == []

    def test_a_catalog_that_was_never_packed(self, shop: Shop, logged: list[str]) -> None:
        shop.wired.services.items.put_many(shop.project, MANY)

        assert shop.read() == shop.read_all(1_000)
        assert logged == ["none"]

    @pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "cut"])
    def test_a_damaged_part_concerns_its_shard_alone(self, packed: Shop, logged: list[str], *, is_lost: bool) -> None:
        packed.damage(5, is_lost=is_lost)

        assert packed.read() == packed.read_all(1_000)
        assert logged == ["damaged"]

    @pytest.mark.parametrize("pointer", [b"", b"{}", orjson.dumps({"format": 2})], ids=["empty", "other", "newer"])
    def test_a_pointer_that_cannot_be_read(self, packed: Shop, logged: list[str], pointer: bytes) -> None:
        row = ListRow.get(pointer_of(packed.project))
        row.packed = pointer or b"\x00"
        row.save()

        assert packed.read() == packed.read_all(1_000)
        packed.pack()
        assert packed.read() == packed.read_all(1_000)
        assert logged == ["damaged"]

    @pytest.mark.parametrize("days", [3.1, -1.0], ids=["old", "of a wrong clock"])
    def test_a_catalog_of_another_time(self, packed: Shop, logged: list[str], days: float) -> None:
        packed.clock.jump(days * 86_400)

        assert packed.read() == packed.read_all(1_000)
        assert logged == ["of another time"]

    def test_an_instance_that_keeps_more_items_than_were_packed(self, packed: Shop, logged: list[str]) -> None:
        packed.pack(catalog_items=8)

        assert packed.read() == packed.read_all(1_000)
        assert set(logged) == {"too few items"}

    def test_reading_ends_with_the_deadline_of_the_request(self, packed: Shop) -> None:
        with within(0.0), pytest.raises(DeadlineExceeded):
            packed.read()

    def test_a_mark_that_cannot_be_stored_costs_the_request_nothing(
        self, packed: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise Unavailable("The database is busy.")

        monkeypatch.setattr(packed.store, "want", fail)

        assert packed.read() == packed.read_all(1_000)


class TestDeath:
    @pytest.mark.parametrize("writes", range(LISTING_SHARDS + 2))
    def test_a_packer_killed_before_any_write_leaves_a_whole_catalog(
        self, packed: Shop, logged: list[str], writes: int
    ) -> None:
        before = packed.current()
        packed.wired.services.items.put_many(packed.project, [an_item("i3", price=-1)])
        packed.store.writes_left = writes
        with pytest.raises(Killed):
            packed.pack()

        assert packed.current() == before
        assert packed.read() == packed.read_all(1_000)
        assert logged == []
        packed.store.writes_left = 1_000
        packed.pack()
        assert packed.current() != before
        assert packed.read() == packed.read_all(1_000)
        assert logged == []

    def test_the_pointer_names_every_part_that_was_written(self, packed: Shop) -> None:
        """So the deletion of a project finds them."""
        packed.store.writes_left = 5
        with pytest.raises(Killed):
            packed.pack()

        assert len(packed.parts()) == LISTING_SHARDS + 4

    def test_of_two_packers_at_a_time_one_completes(self, packed: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        packed.clock.advance(90_000.0)
        slow, put_part = packed.packer(), packed.store.put_part
        other = PackedCatalogStore(packed.wired.database, packed.items)

        def interrupted(*arguments: Any) -> None:
            monkeypatch.setattr(packed.store, "put_part", put_part)
            packed.pack()
            put_part(*arguments)

        monkeypatch.setattr(packed.store, "put_part", interrupted)

        assert not slow.consider(packed.project)
        assert other.catalogs(packed.project, consistent=True).current == packed.current()
        assert packed.read() == packed.read_all(1_000)

    def test_nothing_is_published_for_a_project_that_is_being_deleted(
        self, packed: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, put_part = packed.current(), packed.store.put_part

        def delete(*arguments: Any) -> None:
            monkeypatch.setattr(packed.store, "put_part", put_part)
            packed.wired.services.erasure.delete_project(packed.project)
            put_part(*arguments)

        monkeypatch.setattr(packed.store, "put_part", delete)
        packed.pack()

        assert packed.store.catalogs(packed.project, consistent=True).current == before


class TestDue:
    """When `consider` packs a catalog."""

    def considered(self, shop: Shop) -> bool:
        return shop.packer().consider(shop.project)

    def test_a_catalog_is_packed_at_once_and_again_after_a_day(self, shop: Shop) -> None:
        shop.wired.services.items.put_many(shop.project, MANY)

        assert self.considered(shop)
        assert not self.considered(shop)
        shop.clock.advance(86_000.0)
        assert not self.considered(shop)
        shop.clock.advance(1_000.0)
        assert self.considered(shop)

    def test_a_fifth_of_it_changed_is_reason_enough_after_an_hour(self, packed: Shop) -> None:
        items = packed.wired.services.items
        items.put_many(packed.project, [an_item(name, price=-1) for name in IDS[:7]])
        packed.clock.advance(3_700.0)

        assert not self.considered(packed)
        items.delete(packed.project, IDS[9])
        assert self.considered(packed)
        items.put_many(packed.project, MANY)
        packed.clock.advance(3_000.0)
        assert not self.considered(packed)

    def test_a_catalog_that_changes_as_a_whole_is_packed_later(self, shop: Shop) -> None:
        big = [an_item(f"big{number}", text="x" * 300_000) for number in range(60)]
        shop.wired.services.items.put_many(shop.project, big)

        assert not self.considered(shop)
        shop.clock.advance(601.0)
        assert self.considered(shop)
        assert shop.read() == shop.read_all(1_000)

    def test_deleted_items_leave_with_the_expiry_of_what_was_packed_before(self, packed: Shop) -> None:
        before = set(packed.parts())
        packed.wired.services.items.delete(packed.project, "i3")
        packed.clock.advance(90_000.0)
        assert self.considered(packed)

        expiries = {name: ListRow.get(name).expires_at for name in before}
        assert max(expiries.values()) < packed.clock.now() + timedelta(days=2)
        packed.clock.advance(3 * 86_400.0)
        assert self.considered(packed)
        assert before.isdisjoint(name for keys in packed.part_keys() for name in keys)


class TestSchedule:
    def test_catalogs_that_instances_read_are_packed(self, own: Settings) -> None:
        a_project(wired := wired_on(own), own.project)
        services = wired.services
        services.items.put_many(own.project, [an_item(f"i{n}", price=n) for n in range(1_500)])
        assert schedule.pack_catalogs(services) == 0, "no instance has read it"
        rule = RecommendationQuery(filters=("item.price > 1490.0",), limit=20)
        listed = services.recommend.for_user(own.project, "ann", rule)

        assert (schedule.pack_catalogs(services), schedule.pack_catalogs(services)) == (1, 0)
        cold = wired_on(own)
        assert cold.services.recommend.for_user(own.project, "ann", rule) == listed
        assert len(listed.recommendations) == 9
        cold.close()
        wired.close()

    def test_small_catalogs_are_not(self, own: Settings) -> None:
        a_project(wired := wired_on(own), own.project)
        wired.services.items.put_many(own.project, MANY)
        wired.services.recommend.for_user(own.project, "ann", RecommendationQuery(filters=("true",)))

        assert wired.services.packer.wanted() == []
        wired.close()

    def test_the_trouble_of_one_project_is_not_the_others(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch, logged: list[str]
    ) -> None:
        packer, considered = shop.wired.services.packer, list[str]()

        def consider(project: str) -> bool:
            considered.append(project)
            if project == "broken":
                raise Unavailable("The database is busy.")
            return True

        monkeypatch.setattr(packer, "wanted", lambda: ["broken", "whole"])
        monkeypatch.setattr(packer, "consider", consider)

        assert schedule.pack_catalogs(shop.wired.services) == 1
        assert considered == ["broken", "whole"]
        assert len(logged) == 1
