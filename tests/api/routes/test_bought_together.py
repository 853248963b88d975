"""From purchases to what is bought together, over REST."""

from typing import Any

import httpx2
import pytest

from tests.support.api_calls import ids, train


def purchases(user: str, *items: str, hour: int, event_type: str = "purchase") -> list[dict[str, Any]]:
    at = f"2026-01-31T{hour:02}:00:00Z"
    return [{"user_id": user, "item_id": item, "event_type": event_type, "timestamp": at} for item in items]


@pytest.fixture
def shop(client: httpx2.Client) -> httpx2.Client:
    """A project whose users view items of one taste, and buy i1 with i2."""
    events = [event for n in range(6) for event in purchases(f"b{n}", "i1", "i2", *["i5"] * (n < 3), hour=n)]
    assert client.post("/v1/events", json={"events": events}).status_code == 202
    train(client)
    return client


class TestBoughtTogether:
    def test_items_of_the_same_baskets_come_first_with_their_counts(self, shop: httpx2.Client) -> None:
        answer = shop.get("/v1/items/i1/bought-together?limit=3").json()

        assert ids(answer)[:2] == ["i2", "i5"]
        assert [item["source"] for item in answer["items"]] == ["bought_together", "bought_together", "similar"]
        reasons = [
            (item["reasons"][0]["baskets_together"], item["reasons"][0]["baskets"]) for item in answer["items"][:2]
        ]
        assert reasons == [(6, 6), (3, 6)]
        assert answer["items"][0]["reasons"][0]["title"] == "Item 1"

    def test_returns_take_pairs_back_with_the_next_training(self, shop: httpx2.Client) -> None:
        returns = [event for n in range(5) for event in purchases(f"b{n}", "i2", hour=9, event_type="refund")]
        shop.post("/v1/events", json={"events": returns})
        train(shop)

        answer = shop.get("/v1/items/i1/bought-together?limit=2").json()

        assert [item["item_id"] for item in answer["items"] if item["source"] == "bought_together"] == ["i5"]


class TestCart:
    def test_a_cart_in_query_string_and_body_gives_the_same_list(self, shop: httpx2.Client) -> None:
        query = shop.get("/v1/users/new/recommendations?cart=i1&cart=i2&cart=i1&limit=3").json()
        body = shop.post("/v1/recommendations", json={"events": [], "cart": ["i1", "i2"], "limit": 3}).json()

        assert query["items"] == body["items"]
        assert query["items"][0]["item_id"] == "i5"
        assert {"i1", "i2"}.isdisjoint(ids(query))
        reasons = query["items"][0]["reasons"]
        assert {(reason["item_id"], reason["event_type"], reason["baskets_together"]) for reason in reasons} == {
            ("i1", "in_cart", 3),
            ("i2", "in_cart", 3),
        }
        assert sum(reason["contribution"] for reason in reasons) == pytest.approx(query["items"][0]["score"])

    def test_a_cart_of_too_many_items_is_refused(self, client: httpx2.Client) -> None:
        refused = client.post("/v1/recommendations", json={"events": [], "cart": [f"i{n}" for n in range(51)]})

        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/cart")
