"""Events that a browser sends with a token of its user."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.domain.access import Scope
from app.wiring import Wired
from tests.support.api_calls import browser_of
from tests.support.builders import a_key, an_item, client_of

VIEW = {"item_id": "tea"}
MINUTE = timedelta(minutes=1)


def send(browser: httpx2.Client, *events: dict[str, Any]) -> httpx2.Response:
    return browser.post("/v1/events", json={"events": events})


def stored(client: httpx2.Client, user: str = "ann") -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = client.get(f"/v1/users/{user}/events?limit=100").json()["events"]
    return events


def errors(response: httpx2.Response) -> dict[str, str]:
    return {error["pointer"]: error["detail"] for error in response.json()["errors"]}


@pytest.fixture
def project(wired: Wired) -> str:
    project = wired.services.settings.project
    wired.services.items.put_many(project, [an_item("tea"), an_item("mug")])
    return project


@pytest.fixture
def ann(wired: Wired, project: str) -> Iterator[httpx2.Client]:
    with browser_of(wired, project) as browser:
        yield browser


class TestScope:
    def test_a_token_may_send_nothing_unless_its_key_allows_it(self, wired: Wired, client: httpx2.Client) -> None:
        """Not even a token of an admin key: no other scope includes `events:own`."""
        made = client.post("/v1/users/ann/tokens", json={}).json()
        browser = client_of(wired)
        browser.headers["Authorization"] = f"Bearer {made['token']}"

        refused = send(browser, VIEW)

        assert (refused.status_code, made["scopes"]) == (403, ["recommend"])
        assert "events:own" in refused.json()["detail"]
        assert stored(client) == []

    def test_the_key_that_limits_a_token_decides(self, wired: Wired, client: httpx2.Client) -> None:
        key = client.post("/v1/keys", json={"name": "page", "scopes": ["recommend", "events:own"]}).json()

        made = client.post("/v1/users/ann/tokens", json={"key_id": key["key_id"]}).json()

        assert made["scopes"] == ["events:own", "recommend"]
        browser = client_of(wired)
        browser.headers["Authorization"] = f"Bearer {made['token']}"
        assert send(browser, VIEW).status_code == 202

    def test_the_key_alone_may_send_nothing(self, wired: Wired, project: str) -> None:
        key = a_key(wired, project, Scope.RECOMMEND, Scope.OWN_EVENTS)

        assert send(client_of(wired, key), {**VIEW, "user_id": "ann"}).status_code == 403

    @pytest.mark.parametrize(
        ("method", "url"),
        [
            ("GET", "/v1/users/ann/events"),
            ("PUT", "/v1/users/ann"),
            ("DELETE", "/v1/users/ann"),
            ("POST", "/v1/users/ann/tokens"),
        ],
    )
    def test_a_token_that_sends_events_may_do_nothing_else(self, ann: httpx2.Client, method: str, url: str) -> None:
        assert ann.request(method, url, json={} if method in {"PUT", "POST"} else None).status_code == 403


class TestOwner:
    def test_the_user_need_not_be_named(self, ann: httpx2.Client, client: httpx2.Client) -> None:
        sent = send(ann, VIEW, {"item_id": "mug", "user_id": "ann"})

        assert (sent.status_code, sent.json()["accepted"]) == (202, 2)
        assert {(event["user_id"], event["item_id"]) for event in stored(client)} == {("ann", "tea"), ("ann", "mug")}

    def test_neither_need_the_session(self, wired: Wired, project: str) -> None:
        visitor = browser_of(wired, project, "sessions/s1")

        assert send(visitor, VIEW, {"item_id": "mug", "session_id": "s1"}).status_code == 202
        assert send(visitor, {**VIEW, "user_id": "s1"}).status_code == 403

        made = visitor.get("/v1/sessions/s1/recommendations").json()
        assert "tea" not in [item["item_id"] for item in made["items"]], "it has been seen"

    @pytest.mark.parametrize("owner", [{"user_id": "bob"}, {"session_id": "ann"}])
    def test_events_of_others_are_refused_with_the_whole_batch(
        self, ann: httpx2.Client, client: httpx2.Client, owner: dict[str, str]
    ) -> None:
        refused = send(ann, VIEW, {**VIEW, **owner}, VIEW)

        assert refused.status_code == 403
        assert list(errors(refused)) == [f"/events/1/{next(iter(owner))}"]
        assert (stored(client), stored(client, "bob")) == ([], [])

    def test_a_key_has_to_name_the_owner(self, client: httpx2.Client) -> None:
        assert errors(send(client, VIEW)) == {"/events/0": "needs either a user_id or a session_id"}

    def test_an_erased_user_sends_nothing(self, ann: httpx2.Client, client: httpx2.Client) -> None:
        client.delete("/v1/users/ann").raise_for_status()

        assert send(ann, VIEW).status_code == 409


class TestContent:
    def test_every_mistake_is_named_and_nothing_is_stored(
        self, wired: Wired, ann: httpx2.Client, client: httpx2.Client
    ) -> None:
        now = wired.services.clock.now()
        bad: list[dict[str, Any]] = [
            {"event_type": "teleport"},
            {"timestamp": (now + 5 * MINUTE).isoformat()},
            {"timestamp": (now - timedelta(days=1, minutes=1)).isoformat()},
            {"event_type": "purchase", "value": 10_000},
            {"event_type": "rating", "value": 1_000},
        ]

        refused = send(ann, VIEW, *({**VIEW, **fault} for fault in bad))

        assert (refused.status_code, list(errors(refused))) == (
            422,
            [
                "/events/1/event_type",
                "/events/2/timestamp",
                "/events/3/timestamp",
                "/events/4/value",
                "/events/5/value",
            ],
        )
        assert stored(client) == []

    def test_what_only_the_user_knows_is_accepted(
        self, wired: Wired, ann: httpx2.Client, client: httpx2.Client
    ) -> None:
        now = wired.services.clock.now()

        sent = send(
            ann,
            {"item_id": "tea", "event_type": "rating", "value": 4.5},
            {"item_id": "mug", "event_type": "Add-to-Cart", "timestamp": (now - 60 * MINUTE).isoformat()},
            {"item_id": "mug", "event_type": "purchase"},
        )

        assert sent.status_code == 202
        assert len(stored(client)) == 3

    def test_a_type_is_known_once_the_project_has_declared_it(self, ann: httpx2.Client, client: httpx2.Client) -> None:
        assert send(ann, {**VIEW, "event_type": "Try-On"}).status_code == 422

        client.put("/v1/event-types/try_on", json={"serving": 2}).raise_for_status()

        assert send(ann, {**VIEW, "event_type": "Try-On"}).status_code == 202

    def test_a_batch_has_at_most_fifty_events(self, ann: httpx2.Client, client: httpx2.Client) -> None:
        events = [{"item_id": f"i{n}"} for n in range(51)]

        assert list(errors(send(ann, *events))) == ["/events"]
        assert stored(client) == []
        assert send(ann, *events[1:]).status_code == 202

    def test_an_event_of_the_server_cannot_be_replaced(
        self, wired: Wired, ann: httpx2.Client, client: httpx2.Client
    ) -> None:
        """Reasons show its time and id, which together are its key."""
        timestamp = (wired.services.clock.now() - MINUTE).isoformat()
        order = {"item_id": "tea", "event_type": "purchase", "timestamp": timestamp, "event_id": "order-7"}
        client.post("/v1/events", json={"events": [{**order, "user_id": "ann", "value": 12.5}]}).raise_for_status()

        for _ in range(2):
            assert send(ann, {**order, "event_type": "return"}).status_code == 202

        kept = {event["event_id"]: (event["event_type"], event["value"]) for event in stored(client)}
        assert kept.pop("order-7") == ("purchase", 12.5)
        assert list(kept.values()) == [("return", None)]


class TestAttribution:
    @pytest.mark.parametrize(
        ("method", "url", "body"),
        [
            ("GET", "/v1/users/ann/recommendations", None),
            ("GET", "/v1/items/tea/similar", None),
            ("GET", "/v1/lists/latest", None),
            ("POST", "/v1/rankings", {"item_ids": ["tea", "mug"]}),
            ("POST", "/v1/recommendations", {"events": [VIEW]}),
        ],
    )
    def test_a_list_made_with_a_token_counts_for_its_user_only(
        self, wired: Wired, project: str, ann: httpx2.Client, client: httpx2.Client, method: str, url: str, body: object
    ) -> None:
        made = ann.request(method, url, json=body).json()
        event = {"item_id": made["items"][0]["item_id"], "recommendation_id": made["recommendation_id"]}
        bob = browser_of(wired, project, "users/bob")

        refused = send(bob, VIEW, event)

        assert (refused.status_code, list(errors(refused))) == (400, ["/events/1/recommendation_id"])
        assert stored(client, "bob") == []
        assert send(ann, event).status_code == 202
        assert stored(client)[0]["attribution"]["source"] == made["items"][0]["source"]

    def test_a_list_made_by_the_server_for_the_user_counts(self, ann: httpx2.Client, client: httpx2.Client) -> None:
        made = client.get("/v1/users/ann/recommendations").json()

        assert send(ann, {"item_id": "mug", "recommendation_id": made["recommendation_id"]}).status_code == 202

    def test_lists_for_no_one_forged_ones_and_other_items_are_refused(
        self, ann: httpx2.Client, client: httpx2.Client
    ) -> None:
        own = ann.get("/v1/users/ann/recommendations?limit=1").json()
        item, other = own["items"][0]["item_id"], {"tea", "mug"} - {own["items"][0]["item_id"]}
        of_all = client.get("/v1/lists/latest").json()["recommendation_id"]
        content, _, signature = own["recommendation_id"].partition(".")
        forged = f"{content[:-4]}AAAA.{signature}"

        refused = send(
            ann,
            {"item_id": item, "recommendation_id": own["recommendation_id"]},
            {"item_id": item, "recommendation_id": of_all},
            {"item_id": item, "recommendation_id": forged},
            {"item_id": other.pop(), "recommendation_id": own["recommendation_id"]},
        )

        assert (refused.status_code, list(errors(refused))) == (
            400,
            [f"/events/{position}/recommendation_id" for position in (1, 2, 3)],
        )
        assert stored(client) == []


class TestLimits:
    def test_a_user_is_limited_beside_the_key(self, wired: Wired, project: str) -> None:
        key = client_of(wired, a_key(wired, project, Scope.ADMIN))
        limits = {"requests_per_second": 0.01, "burst": 2}
        page = {"name": "page", "scopes": ["recommend", "events:own"], "user_limits": limits}
        key_id = key.post("/v1/keys", json=page).json()["key_id"]
        users = {}
        for user in ("ann", "bob"):
            users[user] = client_of(wired)
            token = key.post(f"/v1/users/{user}/tokens", json={"key_id": key_id}).json()["token"]
            users[user].headers["Authorization"] = f"Bearer {token}"

        statuses = [send(users["ann"], VIEW).status_code for _ in range(3)]
        refused = send(users["ann"], VIEW)

        assert statuses == [202, 202, 429]
        assert "user's rate" in refused.json()["detail"]
        assert int(refused.headers["Retry-After"]) >= 1
        assert send(users["bob"], VIEW).status_code == 202
        assert users["ann"].get("/v1/users/ann/recommendations").status_code == 200

    def test_keys_have_usual_limits_of_users_which_can_be_changed(self, client: httpx2.Client) -> None:
        made = client.post("/v1/keys", json={"name": "page", "scopes": ["events:own"]}).json()
        assert made["user_limits"] == {"requests_per_second": 1.0, "burst": 30, "requests_per_day": 5000}

        new = {"requests_per_second": 2.0, "burst": 10, "requests_per_day": None}
        client.patch(f"/v1/keys/{made['key_id']}", json={"user_limits": new}).raise_for_status()

        rotated = client.post(f"/v1/keys/{made['key_id']}:rotate", json={}).json()
        assert rotated["user_limits"] == new

    def test_users_do_not_share_idempotency_keys(
        self, wired: Wired, project: str, ann: httpx2.Client, client: httpx2.Client
    ) -> None:
        key_id = a_key(wired, project, Scope.WRITE, Scope.OWN_EVENTS)[3:15]
        for user in ("ann", "bob"):
            token = client.post(f"/v1/users/{user}/tokens", json={"key_id": key_id}).json()["token"]
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "batch-1"}
            ann.post("/v1/events", json={"events": [VIEW]}, headers=headers).raise_for_status()

        assert (len(stored(client)), len(stored(client, "bob"))) == (1, 1)
