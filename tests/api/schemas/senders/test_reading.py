"""Which events the messages of other senders make."""

import re
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.api.schemas.senders.ga4 import Ga4In
from app.api.schemas.senders.messages import ForeignId, Line
from app.api.schemas.senders.reading import Reading, Sent
from app.api.schemas.senders.segment import SegmentIn, SegmentProduct, messages_of
from app.errors import InvalidInput
from app.recommender.events.kinds import CART, CLICK, IMPRESSION, LIKE, PURCHASE, RATING, RETURN, VIEW, kind_of
from app.recommender.events.weights import DEFAULT
from tests.support.builders import NOON

SEGMENT: TypeAdapter[Any] = TypeAdapter(SegmentIn)
TIME, LATER = "2026-01-31T12:00:00Z", "2999-01-31T12:00:00Z"
MICROS = 1_769_860_800_000_000


def segment(*messages: dict[str, Any]) -> Reading:
    """Reads messages that have the time of noon, a user and an id unless they say otherwise."""
    reading = Reading(SegmentProduct, DEFAULT.kind, NOON)
    batch = [{"type": "track", "userId": "ann", "messageId": "m1", "timestamp": TIME, **each} for each in messages]
    for message in messages_of(SEGMENT.validate_python({"batch": batch})):
        reading.add(message)
    return reading


def ga4(*events: dict[str, Any], **more: Any) -> Reading:
    reading = Reading(Line, DEFAULT.kind, NOON)
    body = {"client_id": "1.2", "timestamp_micros": MICROS, "events": list(events), **more}
    for message in Ga4In.model_validate(body).messages():
        reading.add(message)
    return reading


def bought(*products: object, **more: Any) -> dict[str, Any]:
    return {"event": "Order Completed", "properties": {"products": list(products), **more}}


def short(sent: list[Sent]) -> list[tuple[Any, ...]]:
    return [(each.event.user_id, each.event.event_type, each.event.item_id, each.event.value) for each in sent]


def ids(reading: Reading) -> list[tuple[datetime, str]]:
    return [(each.event.timestamp, each.event.event_id) for each in reading.sent]


class TestIds:
    @pytest.mark.parametrize(("client_id", "is_valid"), [("a.b", True), (".a", True), (".", False), ("..", False)])
    def test_the_published_pattern_is_the_one_that_counts(self, client_id: str, is_valid: bool) -> None:  # noqa: FBT001
        (text, *_) = TypeAdapter(ForeignId).json_schema()["anyOf"]

        assert bool(re.search(text["pattern"], client_id)) == is_valid
        with nullcontext() if is_valid else pytest.raises(ValidationError):
            Ga4In.model_validate({"client_id": client_id, "events": [{"name": "view_item"}]})


class TestSegment:
    @pytest.mark.parametrize(
        ("event", "kind"),
        {
            "Product List Viewed": IMPRESSION,
            "Product List Filtered": IMPRESSION,
            "Product Clicked": CLICK,
            "Product Viewed": VIEW,
            "Product Added": CART,
            "Checkout Started": CART,
            "Wishlist Product Added to Cart": CART,
            "Order Completed": PURCHASE,
            "Completed Order": PURCHASE,
            "Order Refunded": RETURN,
            "Order Cancelled": RETURN,
            "Product Added to Wishlist": LIKE,
            "Product Reviewed": RATING,
            "Product Shared": "productshared",
        }.items(),
    )
    def test_names_of_the_ecommerce_spec_mean_what_they_say(self, event: str, kind: str) -> None:
        [sent] = segment({"event": event, "properties": {"product_id": "tea"}}).checked()

        assert sent.event.event_type == event.replace(" ", "_")
        assert kind_of(sent.event.event_type) == kind

    def test_each_product_of_an_order_is_an_event_with_its_revenue(self) -> None:
        products = [{"product_id": "tea", "price": 0.1, "quantity": 3}, {"product_id": 4711, "price": "4.50"}]

        reading = segment(bought(*products, {"product_id": "mug"}))

        assert short(reading.checked()) == [
            ("ann", "Order_Completed", "tea", 0.3),
            ("ann", "Order_Completed", "4711", 4.5),
            ("ann", "Order_Completed", "mug", None),
        ]

    def test_only_purchases_returns_and_ratings_have_a_value(self) -> None:
        product = {"product_id": "tea", "price": 2, "rating": 4}

        reading = segment(
            *({"event": f"Product {name}", "properties": product} for name in ("Viewed", "Reviewed")), bought(product)
        )

        assert [each.event.value for each in reading.checked()] == [None, 4, 2]
        assert reading.ignored == {"price", "rating"}

    @pytest.mark.parametrize(("type_", "event_type"), [("page", "page_view"), ("screen", "screen_view")])
    def test_pages_with_a_product_are_views(self, type_: str, event_type: str) -> None:
        reading = segment({"type": type_, "name": "Product", "properties": {"product_id": "tea", "title": "Tea"}})

        assert short(reading.checked()) == [("ann", event_type, "tea", None)]

    @pytest.mark.parametrize(
        ("message", "name"),
        [
            ({"type": "identify", "traits": {"email": "ann@example.com"}}, "identify"),
            ({"type": "group", "properties": {"product_id": "tea"}}, "group"),
            ({"type": "page", "properties": {"price": "from 10"}}, "page"),
            ({"type": "page", "properties": None}, "page"),
            ({"event": "Plan Chosen", "properties": {"price": "49 a month", "products": "two"}}, "Plan Chosen"),
            ({"event": "План выбран"}, "План выбран"),
            ({"event": "Cart Viewed", "properties": {"products": []}}, "Cart Viewed"),
            (bought("tea"), "Order Completed"),
            (bought({"sku": "T-1"}, {"product_id": ""}), "Order Completed"),
        ],
    )
    def test_what_names_no_product_is_skipped(self, message: dict[str, Any], name: str) -> None:
        reading = segment(message)

        assert reading.checked() == []
        assert set(reading.skipped) == {name}

    def test_skipped_products_are_counted(self) -> None:
        reading = segment(bought({"product_id": "tea"}, {"sku": "T-1"}, None))

        assert (len(reading.checked()), reading.skipped) == (1, {"Order Completed": 2})

    def test_facts_that_are_not_stored_are_named(self) -> None:
        reading = segment(
            bought({"product_id": "tea", "price": 3, "name": "Tea"}, revenue=3, order_id="7"),
            {"event": "Product Viewed", "properties": {"product_id": "tea", "price": 3, "brand": "Alder"}},
            {"event": "Signed Up", "properties": {"plan": "free"}},
        )

        assert reading.ignored == {"name", "revenue", "order_id", "price", "brand"}

    @pytest.mark.parametrize(
        ("names", "owner"),
        [
            ({"userId": "ann", "anonymousId": "s"}, "ann"),
            ({"userId": None, "anonymousId": "s"}, "#session#s"),
            ({"userId": "", "anonymousId": "s"}, "#session#s"),
            ({"userId": 7.0}, "7"),
        ],
    )
    def test_a_user_goes_before_a_session(self, names: Mapping[str, Any], owner: str) -> None:
        [sent] = segment({**bought({"product_id": "tea"}), **names}).checked()

        assert sent.event.user_id == owner

    def test_the_same_message_is_the_same_event_and_its_products_differ(self) -> None:
        order = bought({"product_id": "tea"}, {"product_id": "tea"})

        first, again, other = segment(order), segment({**order, "sentAt": TIME}), segment({**order, "messageId": "m2"})

        assert ids(first) == ids(again)
        assert len({*ids(first), *ids(other)}) == 4

    def test_a_message_without_a_time_happens_now(self) -> None:
        [sent] = segment({**bought({"product_id": "tea"}), "timestamp": None}).checked()
        [early] = segment(
            {**bought({"product_id": "tea"}), "timestamp": None, "originalTimestamp": "2026-01-30T12:00:00Z"}
        ).checked()

        assert sent.event.timestamp == NOON
        assert early.event.timestamp == datetime(2026, 1, 30, 12, tzinfo=UTC)

    def test_the_clock_of_a_device_may_be_wrong_if_the_message_has_a_time(self) -> None:
        [sent] = segment(
            {**bought({"product_id": "tea"}), "timestamp": "2026-01-30T12:00:00Z", "originalTimestamp": LATER}
        ).checked()

        assert sent.event.timestamp == datetime(2026, 1, 30, 12, tzinfo=UTC)
        with pytest.raises(ValidationError, match="more than an hour in the future"):
            segment({**bought({"product_id": "tea"}), "timestamp": None, "originalTimestamp": LATER})

    @pytest.mark.parametrize(
        ("message", "pointer", "says"),
        [
            (bought({"product_id": "a/b"}), "/batch/0/properties/products/0/product_id", "1 to 128"),
            (bought({"product_id": ["a"]}), "/batch/0/properties/products/0/product_id", "string"),
            (bought({"product_id": -1}), "/batch/0/properties/products/0/product_id", "whole number"),
            (bought({"product_id": "a", "price": "9,95"}), "/batch/0/properties/products/0/price", "39.95"),
            (bought({"product_id": "a", "price": True}), "/batch/0/properties/products/0/price", "number"),
            (bought({"product_id": "a", "price": 1e9, "quantity": 1e9}), "/batch/0/properties/products/0", "1e12"),
            ({"event": "Viewed!", "properties": {"product_id": "a"}}, "/batch/0/event", "1 to 128"),
        ],
    )
    def test_a_bad_product_is_named(self, message: dict[str, Any], pointer: str, says: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            segment(message, bought({"product_id": "tea"})).checked()

        [error] = refused.value.errors
        assert (error.pointer, says in error.detail) == (pointer, True)

    def test_five_hundred_events_fit(self) -> None:
        messages = [bought(*({"product_id": f"i{n}"} for n in range(250)))] * 2

        assert len(segment(*messages).checked()) == 500
        with pytest.raises(InvalidInput, match="502 events"):
            segment(*messages, bought({"product_id": "a"}, {"product_id": "a/b"})).checked()


class TestGa4:
    @pytest.mark.parametrize(
        ("name", "event_type", "kind"),
        [
            ("view_item_list", "impression", IMPRESSION),
            ("view_promotion", "impression", IMPRESSION),
            ("select_item", "click", CLICK),
            ("view_item", "view_item", VIEW),
            ("add_to_cart", "add_to_cart", CART),
            ("add_to_wishlist", "add_to_wishlist", LIKE),
            ("begin_checkout", "begin_checkout", CART),
            ("purchase", "purchase", PURCHASE),
            ("refund", "refund", RETURN),
            ("add_shipping_info", "add_shipping_info", "addshippinginfo"),
        ],
    )
    def test_names_are_those_of_imported_exports(self, name: str, event_type: str, kind: str) -> None:
        [sent] = ga4({"name": name, "params": {"items": [{"item_id": "tea"}]}}).checked()

        assert sent.event.event_type == event_type
        assert kind_of(event_type) == kind

    def test_each_item_is_an_event(self) -> None:
        items = [{"item_id": "tea", "item_name": "Tea", "price": 2.5, "quantity": 2}, {"item_name": "Mug"}]
        order = {"name": "purchase", "params": {"transaction_id": "7", "value": 5, "items": items}}

        reading = ga4(order, {"name": "page_view", "params": {"page_title": "Tea"}}, {"name": "session_start"})

        assert short(reading.checked()) == [("#session#1.2", "purchase", "tea", 5.0)]
        assert reading.skipped == {"purchase": 1, "page_view": 1, "session_start": 1}
        assert reading.ignored == {"item_name", "value"}

    @pytest.mark.parametrize(
        ("names", "owner"),
        [
            ({"user_id": "ann"}, "ann"),
            ({"user_id": ""}, "#session#1.2"),
            ({"client_id": None, "app_instance_id": "a1"}, "#session#a1"),
        ],
    )
    def test_a_user_goes_before_a_session(self, names: Mapping[str, Any], owner: str) -> None:
        [sent] = ga4({"name": "view_item", "params": {"items": [{"item_id": "tea"}]}}, **names).checked()

        assert sent.event.user_id == owner

    def test_an_event_has_its_own_time_or_that_of_the_request_or_now(self) -> None:
        event = {"name": "view_item", "params": {"items": [{"item_id": "tea"}]}}

        [own, request] = ga4({**event, "timestamp_micros": MICROS - 1}, event).checked()
        [now] = ga4(event, timestamp_micros=None).checked()

        assert own.event.timestamp == datetime(2026, 1, 31, 11, 59, 59, 999_999, tzinfo=UTC)
        assert (request.event.timestamp, now.event.timestamp) == (NOON, NOON)

    def test_the_same_request_makes_the_same_events_and_all_of_them_differ(self) -> None:
        event = {"name": "add_to_cart", "params": {"items": [{"item_id": "tea"}, {"item_id": "tea"}]}}

        first, again = ga4(event, event), ga4(event, event, timestamp_micros=str(MICROS))

        assert ids(first) == ids(again)
        assert len(set(ids(first))) == 4

    @pytest.mark.parametrize("time", [1_769_860_800, 1_769_860_800_000, "now", 0.5, True])
    def test_times_in_other_units_are_refused(self, time: object) -> None:
        with pytest.raises(ValueError, match="microseconds"):
            ga4({"name": "view_item"}, timestamp_micros=time)
