import httpx2
import pytest

from app.config import Settings
from app.wiring import Wired
from tests.support.api_calls import body, ids, recommended
from tests.support.builders import an_event, two_tastes


@pytest.fixture
def trained(client: httpx2.Client) -> httpx2.Client:
    """Forty users of two tastes, twelve items with titles, an active model."""
    items = [
        {"item_id": f"i{n}", "title": f"Item {n}", "categories": ["even" if n % 2 == 0 else "odd"]} for n in range(12)
    ]
    assert client.post("/v1/items:batch", json={"items": items}).status_code == 200
    assert client.post("/v1/events", json={"events": [body(event) for event in two_tastes()]}).status_code == 202
    assert client.post("/v1/models").status_code == 202
    return client


class TestNegatives:
    @pytest.mark.parametrize("kind", ["dislike", "hide", "return"])
    def test_negative_events_exclude_the_item_and_lower_similar_items(self, trained: httpx2.Client, kind: str) -> None:
        sent = [{"user_id": "new", "item_id": item, "timestamp": 1769860800} for item in ("i2", "i3")]
        trained.post("/v1/events", json={"events": sent})
        before = {item["item_id"]: item["score"] for item in recommended(trained, "new", limit=12)["items"]}

        negative = {"user_id": "new", "item_id": "i3", "event_type": kind, "timestamp": 1769860900}
        trained.post("/v1/events", json={"events": [negative]})

        answer = recommended(trained, "new", limit=12, include_seen=True)
        after = {item["item_id"]: item["score"] for item in answer["items"] if item["source"] == "neighbors"}
        assert "i3" not in ids(answer)
        assert {int(item[1:]) % 2 for item in after} == {0}  # nothing of the other taste is left
        assert any(int(item[1:]) % 2 for item in before)
        assert ids(trained.post("/v1/rankings", json={"user_id": "new", "item_ids": ["i3", "i4"]}).json()) == [
            "i4",
            "i3",
        ]


class TestImpressions:
    def test_ignored_impressions_lower_scores_as_documented(self, trained: httpx2.Client) -> None:
        trained.post("/v1/events", json={"events": [{"user_id": "new", "item_id": "i2", "timestamp": 1769860800}]})
        first = recommended(trained, "new", limit=3)["items"][0]

        shown = [
            {"user_id": "new", "item_id": first["item_id"], "event_type": "impression", "timestamp": 1769860900 + n}
            for n in range(3)
        ]
        trained.post("/v1/events", json={"events": shown})

        after = {item["item_id"]: item for item in recommended(trained, "new", limit=12)["items"]}
        assert after[first["item_id"]]["score"] == pytest.approx(first["score"] / 2)
        assert sum(reason["share"] for reason in after[first["item_id"]]["reasons"]) == pytest.approx(1)

    def test_impressions_of_clicked_items_do_not_lower_scores(self, trained: httpx2.Client) -> None:
        history = [
            {"user_id": "new", "item_id": "i2", "timestamp": 1769860800},
            {"user_id": "new", "item_id": "i4", "event_type": "impression", "timestamp": 1769860900},
            {"user_id": "new", "item_id": "i4", "event_type": "click", "timestamp": 1769861000},
        ]
        trained.post("/v1/events", json={"events": history})

        scores = {item["item_id"]: item["score"] for item in recommended(trained, "new", include_seen=True)["items"]}
        same = {**history[0], "user_id": "other"}, {**history[2], "user_id": "other"}
        trained.post("/v1/events", json={"events": same})

        assert scores == {
            item["item_id"]: item["score"] for item in recommended(trained, "other", include_seen=True)["items"]
        }

    def test_many_impressions_do_not_hide_the_history_behind_them(
        self, trained: httpx2.Client, wired: Wired, settings: Settings
    ) -> None:
        trained.post("/v1/events", json={"events": [{"user_id": "new", "item_id": "i2", "timestamp": 1769860800}]})
        shown = [an_event("new", f"x{n % 50}", "impression", minutes=1 + n / 60) for n in range(700)]
        wired.services.events.accept(settings.project, shown)

        items = recommended(trained, "new", limit=3)["items"]

        assert {item["source"] for item in items} == {"neighbors"}
        assert items[0]["reasons"][0]["item_id"] == "i2"
        assert "i2" not in [item["item_id"] for item in items]

    def test_ignored_impressions_lower_fallback_items_too(self, trained: httpx2.Client) -> None:
        first = recommended(trained, "new", limit=12)["items"][0]
        shown = [
            {"user_id": "new", "item_id": first["item_id"], "event_type": "impression", "timestamp": 1769860900 + n}
            for n in range(30)
        ]
        trained.post("/v1/events", json={"events": shown})

        assert ids(recommended(trained, "new", limit=12))[0] != first["item_id"]


class TestForUser:
    def test_unseen_items_of_the_users_taste_come_first_with_exact_reasons(self, trained: httpx2.Client) -> None:
        seen = {event["item_id"] for event in trained.get("/v1/users/u2/events").json()["events"]}

        answer = recommended(trained, "u2", limit=12, explain=True)

        first = answer["items"][0]
        assert int(first["item_id"][1:]) % 2 == 0
        assert first["title"] == f"Item {first['item_id'][1:]}"
        assert first["source"] == "neighbors"
        assert sum(reason["share"] for reason in first["reasons"]) == pytest.approx(1)
        assert {reason["item_id"] for reason in first["reasons"]} <= seen
        assert not seen & set(ids(answer))
        assert answer["model_version"]

    def test_the_next_list_reflects_the_last_event_and_names_it(self, trained: httpx2.Client) -> None:
        before = recommended(trained, "new", limit=3)

        sent = trained.post(
            "/v1/events", json={"events": [{"user_id": "new", "item_id": "i3", "event_type": "purchase"}]}
        )
        after = recommended(trained, "new", limit=3, fresh_after=sent.json()["freshness_token"])

        assert {item["source"] for item in before["items"]} == {"popular"}
        assert ids(after) != ids(before)
        assert "i3" not in ids(after)
        assert [reason["item_id"] for reason in after["items"][0]["reasons"]] == ["i3"]

    def test_excluded_items_are_left_out_and_seen_items_can_be_included(self, trained: httpx2.Client) -> None:
        everything = ids(recommended(trained, "u2", limit=12))

        without = ids(recommended(trained, "u2", limit=12, exclude=everything[:2]))

        assert without == everything[2:]
        assert set(ids(recommended(trained, "u2", limit=12, include_seen=True))) == {f"i{n}" for n in range(12)}

    def test_only_events_of_the_requested_types_count(self, trained: httpx2.Client) -> None:
        trained.post("/v1/events", json={"events": [{"user_id": "u2", "item_id": "i3", "event_type": "purchase"}]})

        answer = recommended(trained, "u2", event_types="purchase", explain=True)

        reasons = {reason["item_id"] for item in answer["items"] for reason in item["reasons"]}
        assert reasons == {"i3"}

    @pytest.mark.parametrize(("name", "nearest"), [("limt", "limit"), ("page_after", None), ("scenari", "scenario")])
    def test_unknown_parameters_are_refused_with_the_nearest_name(
        self, client: httpx2.Client, name: str, nearest: str | None
    ) -> None:
        response = client.get("/v1/users/ann/recommendations", params={name: "x"})

        assert response.status_code == 422
        [error] = response.json()["errors"]
        assert error["pointer"] == name
        if nearest:
            assert error["detail"].endswith(f"did you mean {nearest}?")

    def test_debug_is_a_known_parameter(self, trained: httpx2.Client) -> None:
        assert "Server-Timing" in trained.get("/v1/users/ann/recommendations?debug=true").headers

    def test_properties_are_included_on_request(self, trained: httpx2.Client) -> None:
        trained.put("/v1/items/i4", json={"title": "Four", "properties": {"price": 4}})

        plain, full = recommended(trained, "new", limit=12), recommended(trained, "new", limit=12, properties=True)

        assert {item["properties"] is None for item in plain["items"]} == {True}
        assert next(item for item in full["items"] if item["item_id"] == "i4")["properties"] == {"price": 4}

    def test_deleted_items_vanish_at_once(self, trained: httpx2.Client) -> None:
        first = ids(recommended(trained, "u2"))[0]

        trained.delete(f"/v1/items/{first}")

        assert first not in ids(recommended(trained, "u2", limit=12))

    def test_without_a_model_the_latest_items_are_recommended(self, client: httpx2.Client) -> None:
        for name in ("old", "new"):
            client.put(f"/v1/items/{name}", json={})

        answer = recommended(client, "ann")

        assert ids(answer) == ["new", "old"]
        assert (answer["model_version"], answer["degraded"]) == (None, False)

    def test_items_need_no_catalog_entry_to_be_recommended(self, client: httpx2.Client) -> None:
        client.post("/v1/events", json={"events": [body(event) for event in two_tastes()]})
        client.post("/v1/models")

        answer = recommended(client, "u2")

        assert answer["items"][0]["title"] is None
        assert answer["items"][0]["source"] == "neighbors"


class TestForSession:
    def test_sessions_get_the_list_of_a_user_with_the_same_events(self, trained: httpx2.Client) -> None:
        events = [{"item_id": "i3", "timestamp": 1769860800}, {"item_id": "i5", "timestamp": 1769860900}]
        trained.post("/v1/events", json={"events": [{"user_id": "new", **event} for event in events]})

        session = trained.post("/v1/recommendations", json={"events": events, "limit": 5}).json()

        stored = recommended(trained, "new", limit=5)["items"]
        for reason in [reason for item in (*session["items"], *stored) for reason in item["reasons"]]:
            del reason["event_id"]  # the derived id contains the user's id
        assert session["items"] == stored

    def test_events_of_the_body_are_not_stored(self, trained: httpx2.Client) -> None:
        trained.post("/v1/recommendations", json={"events": [{"item_id": "i3"}]})

        assert trained.get("/v1/users/session/events").json()["events"] == []


class TestSimilar:
    def test_similar_items_are_of_the_same_taste(self, trained: httpx2.Client) -> None:
        answer = trained.get("/v1/items/i2/similar?limit=3").json()

        assert {int(item["item_id"][1:]) % 2 for item in answer["items"] if item["source"] == "similar"} == {0}
        assert "i2" not in ids(answer)

    def test_items_without_events_get_popular_items(self, trained: httpx2.Client) -> None:
        trained.put("/v1/items/fresh", json={})

        answer = trained.get("/v1/items/fresh/similar").json()

        assert {item["source"] for item in answer["items"]} == {"popular"}


class TestWithoutEvents:
    def test_several_events_can_be_left_out_at_once(self, trained: httpx2.Client) -> None:
        events = trained.get("/v1/users/u1/events").json()["events"]
        ids_ = [event["event_id"] for event in events]

        without_all = trained.get("/v1/users/u1/recommendations", params={"without_event": ids_}).json()
        without_first = trained.get("/v1/users/u1/recommendations", params={"without_event": ids_[0]}).json()

        assert {item["source"] for item in without_all["items"]} <= {"trending", "popular", "latest"}
        reasons = [reason["event_id"] for item in without_first["items"] for reason in item["reasons"]]
        assert reasons
        assert ids_[0] not in reasons

    def test_a_body_may_still_have_a_single_id(self, trained: httpx2.Client) -> None:
        event = {"item_id": "i1", "event_id": "e1", "timestamp": "2026-01-01T00:00:00Z"}

        several, single = (
            trained.post("/v1/recommendations", json={"events": [event], "without_event": without}).json()
            for without in (["e1"], "e1")
        )

        assert several["items"] == single["items"]
        assert all(item["reasons"] == [] for item in single["items"])


class TestRank:
    def test_all_requested_items_are_ranked_for_the_user(self, trained: httpx2.Client) -> None:
        answer = trained.post(
            "/v1/rankings", json={"user_id": "u1", "item_ids": ["unknown", "i0", "i1", "other", "i1"]}
        )

        assert ids(answer.json())[0] == "i1"
        assert set(ids(answer.json())) == {"unknown", "i0", "i1", "other"}


class TestLists:
    def test_popular_items_are_ordered_by_score_within_the_category(self, trained: httpx2.Client) -> None:
        everything = trained.get("/v1/lists/popular?limit=12").json()["items"]
        odd = trained.get("/v1/lists/popular?limit=12&category=odd").json()["items"]

        assert [item["score"] for item in everything] == sorted((item["score"] for item in everything), reverse=True)
        assert len(odd) == 6
        assert {int(item["item_id"][1:]) % 2 for item in odd} == {1}

    def test_latest_items_come_newest_first_within_the_category(self, client: httpx2.Client) -> None:
        for name, category in (("a", "x"), ("b", "y"), ("c", "x")):
            client.put(f"/v1/items/{name}", json={"categories": [category]})

        assert ids(client.get("/v1/lists/latest").json()) == ["c", "b", "a"]
        assert ids(client.get("/v1/lists/latest?category=x").json()) == ["c", "a"]


class TestModels:
    def test_trained_versions_list_their_parameters_and_metrics(self, trained: httpx2.Client) -> None:
        [version] = trained.get("/v1/models").json()["versions"]

        assert (version["state"], version["active"], version["counts"]["items"]) == ("ready", True, 12)
        assert version["metrics"]["ndcg"] > version["metrics"]["popularity_ndcg"]
        assert {"user_exponent", "item_exponent", "ridge", "half_life_days"} <= set(version["parameters"])

    def test_activating_an_older_version_rolls_back(self, trained: httpx2.Client) -> None:
        old = trained.get("/v1/models").json()["versions"][0]["version"]
        before = recommended(trained, "u2")["items"]
        trained.post("/v1/events", json={"events": [body(event) for event in two_tastes(seed=9)]})
        trained.post("/v1/models", json={"force": True})
        new = trained.get("/v1/models").json()["versions"][0]["version"]
        assert recommended(trained, "u3")["model_version"] == new

        answer = trained.post(f"/v1/models/{old}:activate").json()

        assert (answer["version"], answer["previous"]) == (old, new)
        assert recommended(trained, "u3")["model_version"] == old
        assert before
