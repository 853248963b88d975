"""Filters and boosts return the same list as scoring the whole catalog, in few round trips."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config import Settings
from app.domain.items import Item
from app.domain.recommendations import RecommendationQuery
from app.recommender import packing
from app.wiring import Wired
from tests.support.builders import NOON, an_event, an_item, wired_on
from tests.support.call_recorder import Recorder
from tests.support.fake_clock import FakeClock
from tests.support.planted_models import publish
from tests.support.strategies import IDS, ROWS

_numbers = count(1)
Facts = Mapping[str, Any]
FILTERS: dict[str, Callable[[Facts, str], bool]] = {
    "true": lambda _item, _id: True,
    "false": lambda _item, _id: False,
    "item.price < 3.0": lambda item, _id: item.get("price", 99) < 3,
    'item.price >= 2 && "b" in item.tags': lambda item, _id: item.get("price", -1) >= 2 and "b" in item.get("tags", ()),
    '!has(item.price) || item.id == "i1"': lambda item, item_id: "price" not in item or item_id == "i1",
    "item.price in [1.0, 4.0]": lambda item, _id: item.get("price") in {1, 4},
    'user.tier == "gold"': lambda _item, _id: False,
    'now > timestamp("2026-01-01T00:00:00Z") && item.price > 3.0': lambda item, _id: item.get("price", 0) > 3,
}
BOOSTS: dict[str, Callable[[Facts], float]] = {
    "1": lambda _item: 1.0,
    "item.price": lambda item: float(item.get("price", 1.0)),
    "has(item.price) ? 0.0 : 2.0": lambda item: 0.0 if "price" in item else 2.0,
    "item.price > 2.0 ? 3.5 : 0.5": lambda item: 1.0 if "price" not in item else 3.5 if item["price"] > 2 else 0.5,
}
ITEMS = st.dictionaries(
    st.sampled_from(IDS),
    st.fixed_dictionaries(
        {}, optional={"price": st.integers(0, 5), "tags": st.lists(st.sampled_from("abc"), max_size=2)}
    ),
    min_size=1,
)
STATES = st.lists(st.sampled_from(["shown", "shown", "shown", "hidden", "expired", "later"]), min_size=9, max_size=9)


def reference(
    stored: list[Item],
    table: dict[str, dict[str, float]],
    popular: dict[str, float],
    viewed: list[str],
    query: RecommendationQuery,
) -> list[tuple[str, str]]:
    """Return items and sources by scoring everything: neighbors, then popular, then the catalog, newest first."""
    facts = {item.item_id: item for item in stored}
    passes = FILTERS[query.filters[0]] if query.filters else lambda _item, _id: True
    factor = BOOSTS[query.boost] if query.boost is not None else lambda _item: 1.0
    scores = {
        item_id: sum(float(packing.unpack(packing.pack(table.get(v, {}).items())).get(item_id, 0.0)) for v in viewed)
        for item_id in IDS
    }
    newest = sorted(stored, key=lambda item: (-item.created_at.timestamp(), item.item_id))
    sources = (
        ("neighbors", sorted(((s, item_id) for item_id, s in scores.items() if s > 0), key=lambda e: (-e[0], e[1]))),
        ("popular", sorted(((s, item_id) for item_id, s in popular.items()), key=lambda e: -e[0])),
        ("catalog", [(0.0, item.item_id) for item in newest] if query.filters else []),
    )
    chosen: dict[str, str] = {}
    for source, ranked in sources:
        boosted = []
        for score, item_id in ranked:
            item = facts.get(item_id)
            if item is None or item.hidden or (item.expires_at and item.expires_at <= NOON):
                continue
            facts_: Facts = item.properties
            if item_id in viewed or not passes(facts_, item_id):
                continue
            boosted.append((-score * factor(facts_), -factor(facts_), item_id))
        if query.boost is not None:
            boosted.sort(key=lambda entry: entry[:2])
        for _, _, item_id in boosted:
            if item_id not in chosen and len(chosen) < query.limit:
                chosen[item_id] = source
    return list(chosen.items())


class TestReference:
    @given(
        items=ITEMS,
        states=STATES,
        table=ROWS,
        popular=st.dictionaries(st.sampled_from(IDS), st.integers(1, 9).map(float), max_size=4),
        viewed=st.lists(st.sampled_from(IDS), max_size=3, unique=True),
        filter_=st.sampled_from([None, *FILTERS]),
        boost=st.sampled_from([None, *BOOSTS]),
        limit=st.integers(1, 10),
    )
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_lists_equal_a_reference_that_scores_the_whole_catalog(
        self,
        wired: Wired,
        items: dict[str, Any],
        states: list[str],
        table: dict[str, dict[str, float]],
        popular: dict[str, float],
        viewed: list[str],
        filter_: str | None,
        boost: str | None,
        limit: int,
    ) -> None:
        project, recommend = f"filters{next(_numbers)}", wired.services.recommend
        expiry = {"expired": NOON - timedelta(days=9), "later": NOON + timedelta(days=9_000)}
        items_put = [
            replace(an_item(item_id, **facts), hidden=state == "hidden", expires_at=expiry.get(state))
            for (item_id, facts), state in zip(items.items(), states, strict=False)
        ]
        wired.services.items.put_many(project, items_put)
        stored = [wired.services.items.get(project, item.item_id) for item in items_put]
        publish(wired, project, table, popular)
        events = [an_event("ann", item_id) for item_id in viewed]
        query = RecommendationQuery(
            filters=(filter_,) if filter_ else (), boost=boost, limit=limit, recommenders=("neighbors", "popular")
        )

        answer = recommend.for_session(project, events, query)

        listed = [(item.item_id, item.source) for item in answer.recommendations]
        assert listed == reference(stored, table, popular, viewed, query)


class TestLargeCatalog:
    def test_strict_filters_return_exactly_their_items_in_the_documented_round_trips(
        self, wired: Wired, settings: Settings
    ) -> None:
        services, project = wired.services, settings.project
        for start in range(0, 10_000, 500):
            batch = [an_item(f"i{n}", price=n, text="x" * 200) for n in range(start, start + 500)]
            services.items.put_many(project, batch)
        services.events.accept(project, [an_event("ann", "i5")])
        query = RecommendationQuery(
            filters=('item.price in [17.0, 4711.0, 9999.0] || (item.price == 5 && item.id == "i5")',), limit=10
        )
        later = FakeClock()
        later.advance(1_000.0)

        for is_packed in (False, True):
            cold = wired_on(settings, clock=later)
            assert not is_packed or cold.services.packer.consider(project)
            recorder = Recorder(cold.database)

            answer = cold.services.recommend.for_user(project, "ann", query)

            assert sorted(item.item_id for item in answer.recommendations) == ["i17", "i4711", "i9999"]
            calls = [name for name, _, _ in recorder.calls]
            catalog = 8 + 1 + 8 + 1  # the last changes of each shard, what is packed, the rest, a mark
            assert len(calls) <= 1 + 1 + catalog + 1 + 8 + 1, calls  # pointer, events, trending and popular, latest
            assert recorder.rounds() <= 6
            recorder.calls.clear()
            again = cold.services.recommend.for_user(project, "ann", query)
            assert again.recommendations == answer.recommendations
            assert [name for name, _, _ in recorder.calls] == ["Query"]
            cold.database.close()

    def test_catalogs_larger_than_memory_consider_the_items_changed_last(
        self, wired: Wired, settings: Settings
    ) -> None:
        wired.services.items.put_many(settings.project, [an_item(f"i{n}") for n in range(100)])
        small = wired_on(settings.model_copy(update={"catalog_items": 16}))

        query = RecommendationQuery(filters=("true",), limit=100, recommenders=())
        answer = small.services.recommend.for_user(settings.project, "ann", query)

        assert 0 < len(answer.recommendations) <= 16
        assert [warning.partition(":")[0] for warning in answer.warnings] == ["The list is short"]
        assert "the 16 items" in answer.warnings[0]
        few = small.services.recommend.for_user(settings.project, "ann", replace(query, limit=3))
        assert (len(few.recommendations), few.warnings) == (3, ())
        everything = wired.services.recommend.for_user(settings.project, "ann", replace(query, limit=101))
        assert (len(everything.recommendations), everything.warnings) == (100, ())
        small.database.close()

    def test_catalogs_that_outgrow_memory_keep_the_items_changed_last(self, settings: Settings) -> None:
        project, query = settings.project, RecommendationQuery(filters=("true",), limit=100, recommenders=())
        small = wired_on(settings.model_copy(update={"catalog_items": 16}))

        def listed() -> tuple[set[str], int]:
            answer = small.services.recommend.for_user(project, "ann", query)
            return {each.item_id for each in answer.recommendations}, len(answer.warnings)

        small.services.items.put_many(project, [an_item(f"i{n}") for n in range(10)])
        assert listed() == ({f"i{n}" for n in range(10)}, 0)
        for start in (10, 20, 30):
            small.services.items.put_many(project, [an_item(f"i{n}") for n in range(start, start + 10)])
        small.services.items.put_many(project, [an_item("i24", price=1)])
        small.services.items.put_many(project, [an_item("i0", price=1)])

        assert listed() == ({"i0", "i24", *(f"i{n}" for n in range(26, 40))}, 1)
        small.database.close()


class TestVanishing:
    def test_hidden_expired_and_deleted_items_vanish_and_hidden_ones_return(self, client: httpx2.Client) -> None:
        client.post("/v1/items:batch", json={"items": [{"item_id": f"i{n}", "title": "T"} for n in range(4)]})

        def shown(**more: str) -> set[str]:
            answer = client.get("/v1/users/new/recommendations", params={"limit": 10, **more})
            return {item["item_id"] for item in answer.json()["items"]}

        for more in ({}, {"filter": "true"}):
            assert shown(**more) == {"i0", "i1", "i2", "i3"}
            client.patch("/v1/items/i0", json={"hidden": True})
            client.patch("/v1/items/i1", json={"expires_at": "2026-01-31T12:00:00Z"})
            assert shown(**more) == {"i2", "i3"}
            client.patch("/v1/items/i0", json={"hidden": False})
            client.patch("/v1/items/i1", json={"expires_at": None})
        client.delete("/v1/items/i2")

        assert shown() == shown(filter="true") == {"i0", "i1", "i3"}

    def test_other_instances_see_changes_through_the_index(self, wired: Wired, settings: Settings) -> None:
        services, project = wired.services, settings.project
        services.items.put_many(project, [an_item("i1", price=1), an_item("i2", price=2)])
        other = wired_on(settings.model_copy(update={"item_ttl_seconds": 0.0}))
        query = RecommendationQuery(filters=("item.price < 9.0",))

        def shown() -> list[str]:
            answer = other.services.recommend.for_user(project, "new", query)
            return sorted(item.item_id for item in answer.recommendations)

        assert shown() == ["i1", "i2"]
        services.items.put_many(project, [an_item("i1", price=10), an_item("i3", price=3)])
        services.items.delete(project, "i2")

        assert shown() == ["i3"]
        other.database.close()


class TestErrors:
    @pytest.mark.parametrize("name", ["filter", "boost"])
    def test_invalid_expressions_are_refused_with_their_position(self, client: httpx2.Client, name: str) -> None:
        for answer, pointer in (
            (client.get("/v1/users/new/recommendations", params={name: "itm.price > 1"}), name),
            (client.get("/v1/lists/latest", params={name: "itm.price > 1"}), name),
            (client.post("/v1/recommendations", json={"events": [], name: "itm.price > 1"}), f"/{name}"),
        ):
            problem = answer.json()
            assert answer.status_code == 422
            assert [error["pointer"] for error in problem["errors"]] == [pointer]
            assert "line 1, column 1" in problem["errors"][0]["detail"]

    def test_a_rule_that_would_take_too_many_steps_is_refused(self, client: httpx2.Client) -> None:
        tags = [f"t{n}" for n in range(500)]
        client.post("/v1/items:batch", json={"items": [{"item_id": "i1", "properties": {"tags": tags}}]})
        nested = "item.tags.all(a, item.tags.all(b, item.tags.all(c, a + b != c)))"

        problem = client.get("/v1/users/new/recommendations", params={"filter": nested}).json()

        assert problem["status"] == 422
        assert problem["errors"] == [{"pointer": "filter", "detail": "takes too many steps for this many items"}]


class TestWarnings:
    @pytest.mark.parametrize(
        ("rule", "warning"),
        [
            (
                {"filter": "item.prise < 5.0"},
                "The filter has no value for any item that it was tried on: there is no `prise`. Did you mean `price`?",
            ),
            (
                {"boost": "item.title * 2.0"},
                "The boost has no value for any item that it was tried on: * does not take a text and a number.",
            ),
        ],
    )
    def test_a_rule_without_a_value_for_any_item_is_reported(
        self, client: httpx2.Client, rule: dict[str, str], warning: str
    ) -> None:
        items = [{"item_id": f"i{n}", "title": "T", "properties": {"price": n}} for n in range(3)]
        client.post("/v1/items:batch", json={"items": items})

        assert client.get("/v1/users/new/recommendations", params=rule).json()["warnings"] == [warning]
        assert client.get("/v1/lists/latest", params=rule).json()["warnings"] == [warning]

    def test_a_rule_with_a_value_for_some_items_is_not(self, client: httpx2.Client) -> None:
        items = [{"item_id": "i1", "properties": {"price": 3}}, {"item_id": "i2"}]
        client.post("/v1/items:batch", json={"items": items})

        assert client.get("/v1/lists/latest", params={"filter": "item.price < 5.0"}).json()["warnings"] == []
