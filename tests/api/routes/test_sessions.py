"""Anonymous sessions: their recommendations, and their events when the user logs in."""

from contextlib import suppress

import httpx2
import pytest
from botocore.exceptions import EndpointConnectionError

from app.config import Settings
from app.deadline import within
from app.domain.users import of_session
from app.errors import Unavailable
from app.wiring import Wired
from tests.support import tables
from tests.support.builders import an_event, an_item, client_of, two_tastes
from tests.support.faults import failing


@pytest.fixture
def shop(client: httpx2.Client, wired: Wired, settings: Settings) -> httpx2.Client:
    services = wired.services
    services.items.put_many(settings.project, [an_item(f"i{n}") for n in range(12)])
    services.events.accept(settings.project, two_tastes())
    services.train.run(settings.project, services.train.queue(settings.project))
    return client


def view(client: httpx2.Client, *items: str, session: str = "s1") -> None:
    events = [{"session_id": session, "item_id": item, "timestamp": 1769860800 + n} for n, item in enumerate(items)]
    assert client.post("/v1/events", json={"events": events}).status_code == 202


class TestSession:
    def test_recommendations_of_a_session_follow_its_events(self, shop: httpx2.Client) -> None:
        view(shop, "i2")

        items = shop.get("/v1/sessions/s1/recommendations", params={"limit": 3}).json()["items"]

        assert {item["source"] for item in items} == {"neighbors"}
        assert {int(item["item_id"][1:]) % 2 for item in items} == {0}
        assert items[0]["reasons"][0]["item_id"] == "i2"
        assert "i2" not in [item["item_id"] for item in items]

    def test_a_session_and_a_user_with_the_same_id_are_distinct(self, shop: httpx2.Client) -> None:
        view(shop, "i2", session="ann")

        assert shop.get("/v1/users/ann/events").json()["events"] == []
        assert shop.get("/v1/users/ann/recommendations").json()["items"][0]["source"] != "neighbors"

    @pytest.mark.parametrize("who", [{}, {"user_id": "ann", "session_id": "s1"}, {"session_id": "a/b"}])
    def test_an_event_names_either_a_user_or_a_session(self, client: httpx2.Client, who: dict[str, str]) -> None:
        assert client.post("/v1/events", json={"events": [{"item_id": "i1", **who}]}).status_code == 422

    def test_the_export_of_a_project_contains_session_events(self, shop: httpx2.Client) -> None:
        view(shop, "i2")
        events, cursor = [], None
        while True:
            page = shop.get("/v1/export", params={"cursor": cursor} if cursor else {}).json()
            events += page["events"]
            cursor = page["next_cursor"]
            if cursor is None:
                break

        [exported] = [event for event in events if event["session_id"]]
        assert (exported["session_id"], exported["user_id"]) == ("s1", "")

    def test_freshness_tokens_apply_to_rankings_and_sessions(self, shop: httpx2.Client) -> None:
        answer = shop.post("/v1/events", json={"events": [{"session_id": "s2", "item_id": "i3"}]}).json()
        params = {"fresh_after": answer["freshness_token"]}

        assert shop.get("/v1/sessions/s2/recommendations", params=params).json()["items"][0]["reasons"]
        body = {"session_id": "s2", "item_ids": ["i2", "i5"], **params}
        assert [item["item_id"] for item in shop.post("/v1/rankings", json=body).json()["items"]] == ["i5", "i2"]
        assert shop.post("/v1/rankings", json={**body, "fresh_after": "made-up"}).status_code == 400

    def test_a_session_token_reads_only_its_session(self, shop: httpx2.Client, wired: Wired) -> None:
        view(shop, "i2")
        token = shop.post("/v1/sessions/s1/tokens", json={}).json()["token"]
        browser = client_of(wired)
        bearer = {"Authorization": f"Bearer {token}"}
        urls = ("/v1/sessions/s1/recommendations", "/v1/sessions/s2/recommendations", "/v1/users/s1/recommendations")

        assert [browser.get(url, headers=bearer).status_code for url in urls] == [200, 403, 403]

    def test_an_erased_session_leaves_no_trace_and_refuses_events(self, shop: httpx2.Client, wired: Wired) -> None:
        view(shop, "i2", session="anonymous-visitor")

        receipt = shop.delete("/v1/sessions/anonymous-visitor").json()

        assert (receipt["complete"], receipt["removed"]["events"]) == (True, 1)
        assert tables.naming(wired, "anonymous-visitor") == []
        late = shop.post("/v1/events", json={"events": [{"session_id": "anonymous-visitor", "item_id": "i1"}]})
        assert late.status_code == 409
        assert tables.naming(wired, "anonymous-visitor") == []


class TestMerge:
    def test_merged_events_belong_to_the_user_and_keep_their_timestamps(self, shop: httpx2.Client) -> None:
        view(shop, "i2", "i4")

        merged = shop.post("/v1/users/ann:merge", json={"session_id": "s1"})

        assert merged.json() == {"moved": 2, "complete": True}
        events = shop.get("/v1/users/ann/events").json()["events"]
        assert [(event["item_id"], event["timestamp"][:19]) for event in events] == [
            ("i4", "2026-01-31T12:00:01"),
            ("i2", "2026-01-31T12:00:00"),
        ]
        assert shop.get("/v1/sessions/s1/recommendations").json()["items"][0]["source"] != "neighbors"
        assert shop.post("/v1/users/ann:merge", json={"session_id": "s1"}).json() == {"moved": 0, "complete": True}

    def test_merged_events_keep_their_attribution(self, shop: httpx2.Client) -> None:
        view(shop, "i2")
        response = shop.get("/v1/sessions/s1/recommendations").json()
        event = {
            "session_id": "s1",
            "item_id": response["items"][0]["item_id"],
            "recommendation_id": response["recommendation_id"],
        }
        shop.post("/v1/events", json={"events": [event]}).raise_for_status()

        shop.post("/v1/users/ann:merge", json={"session_id": "s1"}).raise_for_status()

        newest, viewed = shop.get("/v1/users/ann/events").json()["events"]
        assert newest["attribution"]["source"] == response["items"][0]["source"]
        assert viewed["attribution"] is None

    @pytest.mark.parametrize("call", range(1, 9))
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_merge_that_fails_anywhere_and_is_repeated_moves_each_event_once(
        self, wired: Wired, settings: Settings, call: int, when: str
    ) -> None:
        sessions, project = wired.services.sessions, settings.project
        session = of_session("s1")
        wired.services.events.accept(project, [an_event(session, f"i{n}", minutes=n) for n in range(30)])

        with failing(wired, call, when, EndpointConnectionError(endpoint_url="nowhere")), suppress(Unavailable):
            sessions.merge(project, "s1", "ann")
        moved, complete = sessions.merge(project, "s1", "ann")

        assert complete
        assert moved <= 30
        assert [e.item_id for e in wired.services.events.list_page(project, "ann", None, 100).records] == [
            f"i{n}" for n in reversed(range(30))
        ]
        assert tables.naming(wired, f"{project}#{session}") == []

    def test_a_merge_that_runs_out_of_time_can_be_resumed(
        self, wired: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sessions, project = wired.services.sessions, settings.project
        wired.services.events.accept(project, [an_event(of_session("s1"), f"i{n}", minutes=n) for n in range(700)])

        with within(60.0), monkeypatch.context() as patch:
            patch.setattr("app.services.privacy.sessions.SPARE_SECONDS", 60.0)  # enough for one page
            first = sessions.merge(project, "s1", "ann")

        assert first == (500, False)
        assert sessions.merge(project, "s1", "ann") == (200, True)

    def test_a_session_is_not_merged_into_an_erased_user(self, shop: httpx2.Client, wired: Wired) -> None:
        view(shop, "i2")
        shop.delete("/v1/users/ann@x")

        refused = shop.post("/v1/users/ann@x:merge", json={"session_id": "s1"})

        assert (refused.status_code, refused.json()["title"]) == (409, "Erased")
        assert tables.naming(wired, "ann@x") == []
        assert shop.get("/v1/sessions/s1/recommendations").json()["items"][0]["source"] == "neighbors"
