"""Stored scenarios and their effect on lists."""

from collections import Counter
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from app.config import Settings
from tests.support.api_calls import body, ids, put, recommended, train
from tests.support.builders import a_project, an_event, client_of, wired_on
from tests.support.slow_proxy import Proxy


class TestPut:
    def test_each_change_is_a_version_and_earlier_versions_can_be_read(self, client: httpx2.Client) -> None:
        first = put(client, limit=3)
        again = put(client, limit=3)
        second = put(client, limit=4, filter="item.price < 3.0")

        assert (first["version"], again["version"], second["version"]) == (1, 1, 2)
        assert client.get("/v1/scenarios/home").json()["settings"] == second["settings"]
        assert client.get("/v1/scenarios/home?version=1").json()["settings"] == first["settings"]
        assert client.get("/v1/scenarios/home?version=2").json()["version"] == 2
        assert client.get("/v1/scenarios/home?version=3").status_code == 404

    def test_dry_runs_check_and_preview_and_store_nothing(self, trained: httpx2.Client) -> None:
        tried = trained.put(
            "/v1/scenarios/home",
            params={"dry_run": True, "preview_user": "u2"},
            json={"limit": 2, "filter": "item.price > 8.0", "rows": [{"kind": "popular", "title": "Popular"}]},
        ).json()

        assert [item["properties"]["price"] > 8 for item in tried["preview"]["items"]] == [True, True]
        assert set(ids(tried["preview"])) <= {"i9", "i10", "i11"}
        assert [row["title"] for row in tried["preview_rows"]] == ["Popular"]
        assert trained.get("/v1/scenarios/home").status_code == 404
        assert trained.get("/v1/users/u2/recommendations?scenario=home").status_code == 404

    def test_if_match_and_if_none_match_are_honored(self, client: httpx2.Client) -> None:
        tag = client.put("/v1/scenarios/home", json={"limit": 3}).headers["ETag"]

        assert client.put("/v1/scenarios/home", json={}, headers={"If-None-Match": "*"}).status_code == 412
        assert client.put("/v1/scenarios/home", json={"limit": 4}, headers={"If-Match": tag}).status_code == 200
        assert client.put("/v1/scenarios/home", json={"limit": 5}, headers={"If-Match": tag}).status_code == 412
        assert client.delete("/v1/scenarios/home", headers={"If-Match": tag}).status_code == 412
        assert client.get("/v1/scenarios/home").json()["settings"]["limit"] == 4

    def test_scenarios_are_listed_until_they_are_deleted_and_can_be_put_again(self, client: httpx2.Client) -> None:
        for name in ("b", "a", "c"):
            put(client, name)
        client.delete("/v1/scenarios/c")

        first = client.get("/v1/scenarios?limit=1").json()
        rest = client.get("/v1/scenarios", params={"cursor": first["next_cursor"]}).json()
        assert [scenario["scenario_id"] for scenario in first["scenarios"] + rest["scenarios"]] == ["a", "b"]
        assert client.delete("/v1/scenarios/c").status_code == 404
        assert client.get("/v1/scenarios/c?version=1").json()["settings"]["limit"] == 10
        assert put(client, "c")["version"] == 3

    @pytest.mark.parametrize(
        ("sent", "pointer"),
        [
            ({"filter": "itm.x"}, "/filter"),
            ({"boost": '"x"'}, "/boost"),
            ({"recommenders": []}, "/recommenders"),
            ({"recommenders": ["magic"]}, "/recommenders/0"),
            ({"exploration": 1.1}, "/exploration"),
            ({"diversity": {"relevance": 2}}, "/diversity/relevance"),
            ({"event_weights": {"view": 11}}, "/event_weights/view"),
            ({"rows": [{"kind": "similar_to_recent"}]}, "/rows/0/title"),
            ({"impression_decay": 0}, "/impression_decay"),
        ],
    )
    def test_invalid_settings_are_named_and_store_nothing(
        self, client: httpx2.Client, sent: dict[str, Any], pointer: str
    ) -> None:
        answer = client.put("/v1/scenarios/home", json=sent)

        assert answer.status_code == 422
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
        assert client.get("/v1/scenarios/home").status_code == 404

    def test_repeated_recommenders_count_once(self, client: httpx2.Client) -> None:
        stored = put(client, recommenders=["popular", "latest", "popular"])

        assert stored["settings"]["recommenders"] == ["popular", "latest"]


class TestScenario:
    def test_requests_that_name_a_scenario_get_its_settings(self, trained: httpx2.Client) -> None:
        put(trained, limit=4, filter="item.price > 2.0", boost="item.price", recommenders=["latest"])

        answer = recommended(trained, "u2", scenario="home")
        plain = recommended(trained, "u2", limit=4, filter="item.price > 2.0", boost="item.price", include_seen=False)

        assert len(answer["items"]) == 4
        assert {item["source"] for item in answer["items"]} <= {"latest", "catalog"}
        assert [item["boost"] for item in answer["items"]] == sorted(
            (item["boost"] for item in answer["items"]), reverse=True
        )
        assert set(ids(plain)) <= {f"i{n}" for n in range(3, 12)}

    def test_fields_of_the_request_win_but_both_filters_apply(self, trained: httpx2.Client) -> None:
        put(trained, limit=9, filter="item.price > 2.0")

        answer = recommended(trained, "new", scenario="home", limit=5, filter="item.price < 7.0", exclude="i4")

        assert sorted(ids(answer)) == ["i3", "i5", "i6"]

    def test_event_weights_replace_the_defaults(self, trained: httpx2.Client) -> None:
        put(trained, event_weights={"view": 0.0})
        events = [{"user_id": "new", "item_id": "i2", "timestamp": 1769860800}]
        trained.post("/v1/events", json={"events": events})

        assert "neighbors" in {item["source"] for item in recommended(trained, "new")["items"]}
        assert "neighbors" not in {item["source"] for item in recommended(trained, "new", scenario="home")["items"]}

    def test_changes_apply_at_once_on_the_same_instance(self, trained: httpx2.Client) -> None:
        put(trained, limit=2)
        assert len(recommended(trained, "u2", scenario="home")["items"]) == 2

        put(trained, limit=3)

        assert len(recommended(trained, "u2", scenario="home")["items"]) == 3

    def test_bodies_can_name_a_scenario(self, trained: httpx2.Client) -> None:
        put(trained, limit=2)

        answer = trained.post("/v1/recommendations", json={"events": [{"item_id": "i2"}], "scenario": "home"})

        assert len(answer.json()["items"]) == 2


class TestDiversity:
    def test_property_values_occur_at_most_max_per_value_times(self, trained: httpx2.Client) -> None:
        put(trained, limit=12, diversity={"property": "brand", "max_per_value": 2})

        answer = recommended(trained, "new", scenario="home", properties=True)

        assert Counter(item["properties"]["brand"] for item in answer["items"]) == {"a": 2, "b": 2, "c": 2}

    def test_marginal_relevance_mixes_categories(self, trained: httpx2.Client) -> None:
        trained.post("/v1/events", json={"events": [{"user_id": "new", "item_id": "i2", "timestamp": 1769860800}]})
        usual = recommended(trained, "new", limit=4, properties=True, include_seen=True)
        mixed = recommended(trained, "new", limit=4, properties=True, include_seen=True, diversity=0.0)

        def changes(answer: dict[str, Any]) -> int:
            categories = [item["categories"][0] for item in answer["items"]]
            return sum(category != following for category, following in pairwise(categories))

        assert changes(usual) <= changes(mixed)
        assert ids(recommended(trained, "new", limit=4, include_seen=True, diversity=1.0)) == ids(usual)


class TestImpressionDecay:
    def test_impression_decay_is_the_number_of_impressions_that_halves_a_score(self, trained: httpx2.Client) -> None:
        trained.post("/v1/events", json={"events": [{"user_id": "new", "item_id": "i2", "timestamp": 1769860800}]})
        first = recommended(trained, "new")["items"][0]
        shown = {"user_id": "new", "item_id": first["item_id"], "event_type": "impression", "timestamp": 1769860900}
        trained.post("/v1/events", json={"events": [shown]})

        def impression_factor(**settings: Any) -> float:
            put(trained, limit=12, **settings)
            items = recommended(trained, "new", scenario="home")["items"]
            return float(next(item["impression_factor"] for item in items if item["item_id"] == first["item_id"]))

        assert impression_factor(impression_decay=1) == pytest.approx(0.5)
        assert impression_factor(impression_decay=3) == pytest.approx(2 ** (-1 / 3))
        assert impression_factor(impression_decay=None) == 1.0


class TestExploration:
    def test_new_items_get_their_share_of_the_positions(self, trained: httpx2.Client) -> None:
        put(trained, limit=5, exploration=0.3)

        places = [
            sum(item["source"] == "exploration" for item in recommended(trained, f"n{n}", scenario="home")["items"])
            for n in range(200)
        ]

        assert set(places) == {1, 2}
        assert sum(places) / len(places) == pytest.approx(1.5, abs=0.15)

    def test_users_explore_different_items(self, trained: httpx2.Client) -> None:
        put(trained, limit=5, exploration=0.2)

        explored = {
            item["item_id"]
            for n in range(30)
            for item in recommended(trained, f"n{n}", scenario="home")["items"]
            if item["source"] == "exploration"
        }

        assert len(explored) > 3


class TestContextItem:
    def test_items_similar_to_the_context_item_come_first(self, trained: httpx2.Client) -> None:
        answer = recommended(trained, "new", context_item="i3", limit=3)

        assert {int(item_id[1:]) % 2 for item_id in ids(answer)} == {1}
        assert "i3" not in ids(answer)
        reason = answer["items"][0]["reasons"][0]
        assert 0 <= reason["from_order"] <= 1
        assert reason | {"share": 1, "contribution": 0, "from_order": 0} == {
            "item_id": "i3",
            "title": "Item 3",
            "event_type": "context",
            "timestamp": None,
            "event_id": None,
            "share": 1,
            "contribution": 0,
            "kept_without": None,
            "baskets_together": None,
            "baskets": None,
            "from_order": 0,
        }


class TestOutage:
    def test_cached_scenarios_apply_without_the_database(self, proxy: Proxy, settings: Settings) -> None:
        changes = {"endpoint": proxy.endpoint, "pointer_ttl_seconds": 0.0, "connect_timeout_seconds": 0.2}
        wired = wired_on(settings.model_copy(update=changes))
        client = client_of(wired, a_project(wired, settings.project))
        train(client)
        put(client, limit=3)
        assert len(recommended(client, "u2", scenario="home")["items"]) == 3

        proxy.stop()
        cached = recommended(client, "u2", scenario="home", filter="item.price < 6.0", properties=True)
        unknown = recommended(client, "u2", scenario="never-read", limit=2)

        assert (cached["degraded"], len(cached["items"])) == (True, 3)
        assert all(item["properties"]["price"] < 6 for item in cached["items"])
        assert (unknown["degraded"], len(unknown["items"])) == (True, 2)
        wired.database.close()


class TestReasons:
    def test_reasons_name_the_event_id(self, trained: httpx2.Client) -> None:
        event = an_event("someone", "i2", "view", 5)
        trained.post("/v1/events", json={"events": [{**body(event), "event_id": "visit-7"}]})

        reasons = [item["reasons"] for item in recommended(trained, "someone", explain=True)["items"]]

        assert {reason["event_id"] for item_reasons in reasons for reason in item_reasons} == {"visit-7"}
