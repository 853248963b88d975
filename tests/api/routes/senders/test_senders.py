"""Requests as Segment's webhooks and senders of the Measurement Protocol make them."""

from typing import Any

import httpx2

from app.domain.users import of_session
from app.wiring import Wired
from tests.support.api_calls import browser_of, train

TIME = "2026-01-31T12:00:00Z"
VIEWED = {
    "type": "track",
    "event": "Product Viewed",
    "userId": "ann",
    "messageId": "m1",
    "timestamp": TIME,
    "context": {"library": {"name": "analytics.js"}},
    "properties": {"product_id": "tea", "price": 3},
}
IDENTIFY = {"type": "identify", "anonymousId": "s1", "traits": {"plan": "free"}}


def stored(wired: Wired, user: str = "ann") -> list[tuple[Any, ...]]:
    events = wired.services.events.list_page(wired.services.settings.project, user, None, 100).records
    return sorted((event.event_type, event.item_id, event.value) for event in events)


def pointers(response: httpx2.Response) -> list[str]:
    assert response.is_client_error, response.text
    return [error["pointer"] for error in response.json()["errors"]]


class TestSegment:
    def test_every_form_of_a_request_is_stored_once(self, client: httpx2.Client, wired: Wired) -> None:
        many = {"batch": [VIEWED, IDENTIFY, {**VIEWED, "messageId": "m2"}], "sentAt": TIME, "writeKey": "w"}

        answers = [client.post("/v1/events:segment", json=body) for body in (VIEWED, [IDENTIFY, VIEWED], many)]

        assert [(answer.status_code, answer.json()["accepted"]) for answer in answers] == [(202, 1), (202, 1), (202, 2)]
        assert [answer.json()["skipped"] for answer in answers] == [{}, {"identify": 1}, {"identify": 1}]
        assert stored(wired) == [("Product_Viewed", "tea", None)] * 2

    def test_a_bad_request_is_refused_whole_and_listed(self, client: httpx2.Client, wired: Wired) -> None:
        unlisted = {"product_id": "tea", "recommendation_id": "x"}
        bad: dict[str, Any] = {
            "": {**VIEWED, "userId": None},
            "/type": {},
            "/batch": {"batch": []},
            "/1/userId": [VIEWED, {**VIEWED, "userId": "a b"}],
            "/batch/1": {"batch": [VIEWED, {**VIEWED, "event": None}]},
            "/timestamp": {**VIEWED, "timestamp": "today"},
            "/properties/product_id": {**VIEWED, "properties": {"product_id": "a/b"}},
            "/1/properties/recommendation_id": [VIEWED, {**VIEWED, "properties": unlisted}],
        }

        answers = {pointer: client.post("/v1/events:segment", json=body) for pointer, body in bad.items()}

        assert {pointer: pointers(answer) for pointer, answer in answers.items()} == {each: [each] for each in bad}
        assert stored(wired) == []
        [first, *_] = reversed(client.get("/v1/event-refusals").json()["refusals"])
        assert first["errors"][0]["detail"] == "needs a userId or an anonymousId"

    def test_events_of_erased_users_are_left_out(self, client: httpx2.Client, wired: Wired) -> None:
        assert client.delete("/v1/users/eve").is_success

        answer = client.post("/v1/events:segment", json=[VIEWED, {**VIEWED, "userId": "eve"}]).json()

        assert (answer["accepted"], answer["erased"]) == (1, 1)
        assert (len(stored(wired)), stored(wired, "eve")) == (1, [])

    def test_a_product_counts_for_the_list_that_showed_it(self, client: httpx2.Client) -> None:
        train(client)
        shown = client.get("/v1/users/ann/recommendations?limit=1").json()
        order = {"product_id": shown["items"][0]["item_id"], "recommendation_id": shown["recommendation_id"]}

        client.post("/v1/events:segment", json={**VIEWED, "properties": {"products": [order]}}).raise_for_status()

        [event] = client.get("/v1/users/ann/events").json()["events"]
        assert event["attribution"]["version"] == shown["model_version"]

    def test_a_token_sends_only_events_of_its_own_user(self, wired: Wired) -> None:
        with browser_of(wired, wired.services.settings.project) as browser:
            now = {**VIEWED, "timestamp": None}
            revenue = {**now, "event": "Order Completed"}

            assert browser.post("/v1/events:segment", json={**now, "userId": None}).json()["accepted"] == 1
            assert browser.post("/v1/events:segment", json={**now, "userId": "bob"}).status_code == 403
            assert pointers(browser.post("/v1/events:segment", json=revenue)) == ["/properties/value"]
        assert stored(wired) == [("Product_Viewed", "tea", None)]


class TestGa4:
    def test_a_request_is_stored_once(self, client: httpx2.Client, wired: Wired) -> None:
        items = [{"item_id": "tea", "price": 2, "quantity": 2, "item_brand": "Alder"}, {"item_id": "mug"}]
        body = {
            "client_id": "123.456",
            "timestamp_micros": "1769860800000000",
            "non_personalized_ads": False,
            "events": [{"name": "purchase", "params": {"transaction_id": "7", "items": items}}, {"name": "page_view"}],
        }

        for _ in range(2):
            answer = client.post("/v1/events:ga4", json=body)

        assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
        assert (answer.json()["skipped"], answer.json()["ignored"]) == ({"page_view": 1}, ["item_brand"])
        assert stored(wired, of_session("123.456")) == [("purchase", "mug", None), ("purchase", "tea", 4)]

    def test_a_secret_in_the_url_is_refused(self, client: httpx2.Client) -> None:
        answer = client.post("/v1/events:ga4?api_secret=s", json={"client_id": "1", "events": [{"name": "login"}]})

        assert pointers(answer) == ["api_secret"]

    def test_a_bad_request_is_refused(self, client: httpx2.Client, wired: Wired) -> None:
        unnamed = [{"name": "view_item", "params": {"items": [{"item_id": "tea"}, {"item_id": "a/b"}]}}]
        bad: dict[str, Any] = {
            "": {"events": [{"name": "login"}]},
            "/events": {"client_id": "1.2", "events": []},
            "/timestamp_micros": {"client_id": "1.2", "timestamp_micros": 1, "events": [{"name": "login"}]},
            "/events/0/params/items/1/item_id": {"client_id": "1.2", "events": unnamed},
        }

        answers = {pointer: client.post("/v1/events:ga4", json=body) for pointer, body in bad.items()}

        assert {pointer: pointers(answer) for pointer, answer in answers.items()} == {each: [each] for each in bad}
        assert stored(wired, of_session("1.2")) == []
