"""The serving budget: database round trips of one request, counted at the client."""

from dataclasses import replace

import pytest

from app.config import Settings
from app.domain.fields import Selection
from app.domain.recommendations import RecommendationQuery
from app.storage.table import LISTING_SHARDS
from app.wiring import Wired
from tests.support.builders import an_event, an_item, two_tastes, wired_on
from tests.support.call_recorder import Recorder
from tests.support.fake_clock import FakeClock
from tests.support.planted_models import plant, plant_recent

RECENT_PARAMETERS = {"recent_exponent": 0.5, "recent_half_life_days": 1.0}


@pytest.fixture
def trained(wired: Wired, settings: Settings) -> Wired:
    services = wired.services
    services.items.put_many(settings.project, [an_item(f"i{n}") for n in range(12)])
    services.events.accept(settings.project, two_tastes())
    services.train.run(settings.project, services.train.queue(settings.project))
    return wired


class TestForUser:
    @pytest.mark.usefixtures("trained")
    def test_cold_instances_need_three_round_trips_and_warm_instances_one(self, settings: Settings) -> None:
        cold = wired_on(settings)
        assert cold.services.access.is_active(settings.project)  # read by authentication
        recorder = Recorder(cold.database)

        cold.services.recommend.for_user(settings.project, "u2", RecommendationQuery(limit=2))
        assert recorder.rounds() <= 3, recorder.calls
        assert len(recorder.calls) <= 5, recorder.calls  # with the list of recent items, read once a minute
        recorder.calls.clear()
        cold.services.recommend.for_user(settings.project, "u2", RecommendationQuery(limit=2))

        assert [name for name, _, _ in recorder.calls] == ["Query"]
        cold.database.close()

    def test_a_cart_costs_no_extra_round_trip(self, trained: Wired, settings: Settings) -> None:
        bought = {"i1": ({"i3": (0.4, 2)}, 5), "i2": ({"i4": (0.4, 2)}, 5)}
        plant(trained, settings.project, "v2", {"i0": {"i2": 1.0}, "i1": {}}, {"i2": 1.0}, bought=bought)
        trained.services.rollout.activate(settings.project, "v2", force=True)
        cold = wired_on(settings)
        assert cold.services.access.is_active(settings.project)  # read by authentication
        recorder = Recorder(cold.database)

        def rounds(limit: int, *cart: str) -> int:
            recorder.calls.clear()
            query = RecommendationQuery(limit=limit, include_seen=True, cart=cart)
            answer = cold.services.recommend.for_user(settings.project, "u0", query)
            assert [each.item_id for each in answer.recommendations] == ["i3", "i4"][:limit]
            return recorder.rounds()

        assert rounds(2, "i1", "i2") == 3
        assert rounds(2, "i1", "i2") == 1
        assert rounds(1, "i1", "i2", "i9") == 2, "the row of another item"
        assert rounds(1, "i1", "i2", "i9") == 1
        cold.database.close()

    def test_recent_popularity_costs_no_extra_round_trip(self, trained: Wired, settings: Settings) -> None:
        plant(trained, settings.project, "v2", {"i0": {"i2": 1.0}}, {"i2": 1.0}, parameters=RECENT_PARAMETERS)
        trained.services.rollout.activate(settings.project, "v2", force=True)
        plant_recent(trained, settings.project, {"i2": 3.0})
        clock = FakeClock()
        others = dict.fromkeys(("item_ttl_seconds", "pointer_ttl_seconds", "key_ttl_seconds"), 1e6)
        cold = wired_on(settings.model_copy(update=others), clock=clock)
        assert cold.services.access.is_active(settings.project)  # read by authentication
        recorder = Recorder(cold.database)

        def calls_and_rounds() -> tuple[int, int]:
            recorder.calls.clear()
            query = RecommendationQuery(limit=1, include_seen=True)
            answer = cold.services.recommend.for_user(settings.project, "u0", query)
            assert [(each.item_id, each.recent_factor) for each in answer.recommendations] == [("i2", 2.0)]
            return len(recorder.calls), recorder.rounds()

        assert calls_and_rounds() == (5, 3)
        assert calls_and_rounds() == (1, 1)
        clock.advance(61.0)
        assert calls_and_rounds() == (2, 1), "the list is read while the events are"
        cold.database.close()

    def test_changes_made_elsewhere_cost_warm_instances_no_extra_round_trip(
        self, trained: Wired, settings: Settings
    ) -> None:
        clock = FakeClock()
        warm = wired_on(settings.model_copy(update={"item_ttl_seconds": 1.0}), clock=clock)
        first = (
            warm.services.recommend.for_user(settings.project, "u2", RecommendationQuery(limit=12))
            .recommendations[0]
            .item_id
        )
        trained.services.items.delete(settings.project, first)
        recorder = Recorder(warm.database)
        clock.advance(1.1)

        answer = warm.services.recommend.for_user(settings.project, "u2", RecommendationQuery(limit=2))

        assert recorder.rounds() == 1, recorder.calls
        assert first not in [item.item_id for item in answer.recommendations]
        assert [name for name, _, _ in recorder.calls] == ["Query"] * (LISTING_SHARDS + 1)
        warm.database.close()

    @pytest.mark.parametrize("filters", [(), ('item.id != "none"',)], ids=["without rules", "with a rule"])
    def test_items_are_read_again_after_more_than_a_page_of_changes(
        self, trained: Wired, settings: Settings, filters: tuple[str, ...]
    ) -> None:
        """An instance that was idle during an import must not read all of it in its next request."""
        clock = FakeClock()
        warm = wired_on(settings.model_copy(update={"item_ttl_seconds": 5.0}), clock=clock)
        query = RecommendationQuery(limit=12, filters=filters)
        first = warm.services.recommend.for_user(settings.project, "u2", query).recommendations[0].item_id
        big = [an_item(f"big{n}", text="x" * 300_000) for n in range(60)]
        trained.services.items.put_many(settings.project, big)
        trained.services.items.delete(settings.project, first)
        recorder = Recorder(warm.database)
        clock.advance(5.1)

        answer = warm.services.recommend.for_user(settings.project, "u2", replace(query, limit=2))

        assert not answer.degraded
        assert first not in [item.item_id for item in answer.recommendations]
        if not filters:
            assert [name for name, _, _ in recorder.calls].count("Query") == LISTING_SHARDS + 1
        warm.database.close()

    def test_new_items_cost_cold_instances_one_listing_and_one_read(self, trained: Wired, settings: Settings) -> None:
        trained.services.items.put_many(settings.project, [an_item("new", "c")])
        cold = wired_on(settings)
        assert cold.services.access.is_active(settings.project)  # read by authentication
        recorder = Recorder(cold.database)

        cold.services.recommend.for_user(settings.project, "u2", RecommendationQuery(limit=2))
        assert len(recorder.calls) <= 6 + LISTING_SHARDS, recorder.calls
        recorder.calls.clear()
        cold.services.recommend.for_user(settings.project, "u2", RecommendationQuery(limit=2))

        assert [name for name, _, _ in recorder.calls] == ["Query"]
        cold.database.close()

    def test_warm_instances_reuse_rows_for_other_users(self, trained: Wired, settings: Settings) -> None:
        recommend = trained.services.recommend
        for user in range(8):
            recommend.for_user(settings.project, f"u{user}", RecommendationQuery(limit=2))
        recorder = Recorder(trained.database)

        recommend.for_user(settings.project, "u8", RecommendationQuery(limit=2))

        assert [name for name, _, _ in recorder.calls] == ["Query"]

    def test_titles_of_reasons_are_only_read_for_responses_that_carry_them(
        self, trained: Wired, settings: Settings
    ) -> None:
        plant(trained, settings.project, "v2", {"i0": {"i2": 1.0}}, {"i2": 1.0})
        trained.services.rollout.activate(settings.project, "v2", force=True)
        trained.services.events.accept(settings.project, [an_event("reader", "i0")])
        cold = wired_on(settings)
        assert cold.services.access.is_active(settings.project)  # read by authentication
        recorder = Recorder(cold.database)

        def calls(*names: str) -> list[str]:
            recorder.calls.clear()
            selection = Selection(names) if names else None
            query = RecommendationQuery(limit=1, selection=selection)
            answer = cold.services.recommend.for_user(settings.project, "reader", query)
            assert [each.item_id for each in answer.recommendations] == ["i2"]
            return [name for name, _, _ in recorder.calls]

        assert len(calls("item_id", "score")) <= 5
        for _ in range(2):
            assert calls("item_id", "score", "reasons.share", "properties") == ["Query"]
        assert calls("reasons.title") == ["Query", "BatchGetItem"]
        assert calls() == ["Query"]
        cold.database.close()


class TestRank:
    def test_items_are_only_read_for_what_the_response_carries_of_them(
        self, trained: Wired, settings: Settings
    ) -> None:
        recommend, item_ids = trained.services.recommend, ["i1", "i2"]
        recommend.rank(settings.project, "u2", item_ids, RecommendationQuery())
        cold = wired_on(settings)
        assert cold.services.access.is_active(settings.project)  # read by authentication
        recorder = Recorder(cold.database)

        def calls(*names: str, hidden_too: bool) -> int:
            recorder.calls.clear()
            query = RecommendationQuery(selection=Selection(names))
            answer = cold.services.recommend.rank(settings.project, "u2", item_ids, query, include_hidden=hidden_too)
            assert {each.item_id for each in answer.recommendations} == set(item_ids)
            return len(recorder.calls)

        calls("item_id", "score", hidden_too=True)
        assert calls("item_id", "score", hidden_too=True) == 1
        assert calls("item_id", "score", hidden_too=False) == 2, "hidden items are left out"
        cold.database.close()


class TestBoughtTogether:
    def test_cold_instances_need_three_round_trips_and_warm_instances_none(
        self, trained: Wired, settings: Settings
    ) -> None:
        plant(trained, settings.project, "v2", {"i1": {"i2": 1.0}}, {"i2": 1.0}, bought={"i1": ({"i3": (0.4, 2)}, 5)})
        trained.services.rollout.activate(settings.project, "v2", force=True)
        cold = wired_on(settings)
        assert cold.services.access.is_active(settings.project)  # read by authentication
        recorder = Recorder(cold.database)

        def rounds() -> int:
            recorder.calls.clear()
            answer = cold.services.recommend.bought_together(settings.project, "i1", RecommendationQuery(limit=2))
            assert [each.item_id for each in answer.recommendations] == ["i3", "i2"]
            return recorder.rounds()

        assert (rounds(), rounds()) == (3, 0)
        cold.database.close()
