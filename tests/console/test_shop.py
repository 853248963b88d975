"""The example shop: it tracks what its visitors see and do, from the console's origin and from another."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app.api.routes.console import DIST
from tests.console.conftest import Shop
from tests.console.other_origin import TOKENS, OtherOrigin, serving
from tests.console.visitor import Visitor, visiting
from tests.support.builders import until
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium

SEEN = """() => [...document.querySelectorAll("[data-serendip-item]")]
  .filter(card => {
    const { top, height } = card.getBoundingClientRect();
    return (Math.min(innerHeight, top + height) - Math.max(0, top)) / height >= 0.5;
  })
  .map(card => card.dataset.serendipItem)"""
"""The items whose cards are at least half visible."""


@pytest.fixture
def other(shop: Shop) -> Iterator[OtherOrigin]:
    """The shop's page and files on a server of another origin, which makes the tokens."""

    def content(path: str) -> bytes:
        if path.startswith("/assets/"):
            return (DIST / path[1:]).read_bytes()
        html = (DIST / "shop.html").read_text("utf-8")
        return html.replace("<html ", f'<html data-api="{shop.base}" data-tokens="{TOKENS}" ').encode()

    with serving(shop, content) as other:
        yield other


def events_of(shop: Shop, user: str) -> list[dict[str, Any]]:
    """What the user did in this test: the sample's events are older."""
    return [event for event in shop.events_of(user) if event["event_id"].startswith("own-")]


def outcomes(shop: Shop) -> Counter[str]:
    """All impressions, clicks and conversions of the project."""
    rows = shop.api.get("/v1/outcomes?days=1").raise_for_status().json()["outcomes"]
    names = ("impressions", "clicks", "conversions")
    return Counter({name: sum(row[name] for row in rows) for name in names})


def settled(page: Page, shop: Shop) -> Counter[str]:
    """The outcomes once the stream has applied the events of earlier tests."""
    before, now = None, outcomes(shop)
    while before != now:
        page.wait_for_timeout(2_500)
        before, now = now, outcomes(shop)
    return now


class TestAcrossOrigins:
    def test_outcomes_count_what_was_seen_clicked_and_bought(
        self, chromium: Browser, shop: Shop, other: OtherOrigin
    ) -> None:
        with visiting(chromium, other.origin, None) as visitor:
            page = visitor.page
            before = settled(page, shop)
            page.goto(other.origin)
            expect(page.get_by_role("region", name="Recommended for you").get_by_role("link")).to_have_count(12)
            expect(page.get_by_role("region", name="Trending now").get_by_role("link")).to_have_count(6)

            page.wait_for_timeout(1_500)
            seen = page.evaluate(SEEN)
            page.get_by_role("region", name="Recommended for you").get_by_role("link").first.click()
            page.get_by_role("button", name="Add to cart").click()
            page.get_by_role("link", name="Cart").click()
            page.get_by_role("button", name="Buy now").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Thank you!")
            page.goto("about:blank")

            assert len(seen) >= 12
            until(lambda: "purchase" in {event["event_type"] for event in events_of(shop, "user-001")})
            events = events_of(shop, "user-001")
            counted = Counter(event["event_type"] for event in events)
            assert all(event["attribution"] for event in events)
            assert (counted["click"], counted["cart"], counted["purchase"]) == (1, 1, 1)
            impressions = Counter(event["item_id"] for event in events if event["event_type"] == "impression")
            assert Counter(seen) <= impressions
            expected = {"impressions": counted["impression"], "clicks": 1, "conversions": 1}
            until(lambda: outcomes(shop) - before == Counter(expected))
            assert settled(page, shop) - before == Counter(expected)


class TestInConsole:
    def test_it_is_closed_to_those_who_are_not_signed_in(self, stranger: Visitor) -> None:
        page = stranger.page
        page.goto(f"{stranger.base}/console/shop")

        expect(page.get_by_role("alert")).to_contain_text("Sign in to the console")
        page.get_by_role("link", name="Go to the console").click()
        expect(page.get_by_label("API key")).to_be_visible()

    def test_items_have_companions_and_the_list_follows_the_visitor(self, visitor: Visitor, shop: Shop) -> None:
        page = visitor.open()
        page.get_by_role("link", name="Example shop").click()
        shelf = page.get_by_role("region", name="Recommended for you")
        expect(shelf.get_by_role("link")).to_have_count(12)
        visitor.photograph("shop")

        page.get_by_label("User").fill("shopper-1")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("button", name="Signed in", exact=True)).to_be_visible()
        expect(shelf.get_by_role("link")).to_have_count(12)
        of_title = {"filter": 'item.title == "Waterproof Tent"'}
        tents = shop.api.get("/v1/users/nobody/recommendations", params=of_title).json()["items"]
        page.goto(f"{visitor.base}/console/shop#item/{tents[0]['item_id']}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Waterproof Tent")
        together = page.get_by_role("region", name="Frequently bought together")
        expect(together).to_contain_text("Waterproof Sleeping Bag")
        expect(page.get_by_role("region", name="Similar items").get_by_role("link").first).to_be_visible()
        visitor.photograph("shop-item")

        together.get_by_role("link").first.click()
        page.get_by_role("button", name="Add to cart").click()
        page.get_by_role("link", name="Cart").click()
        expect(page.get_by_role("region", name="Goes well with your cart")).to_contain_text("Waterproof Tent")
        visitor.photograph("shop-cart")
        page.get_by_role("link", name="Alder & Elm").click()
        expect(shelf.get_by_role("link")).to_have_count(12)
        page.get_by_role("region", name="Just in").get_by_role("link").first.click()
        page.get_by_role("button", name="Add to cart").click()
        page.get_by_role("link", name="Alder & Elm").click()

        expect(shelf.get_by_role("status")).to_contain_text("Changed", timeout=20_000)
        assert shop.key not in page.url
        kinds = Counter(event["event_type"] for event in events_of(shop, "shopper-1"))
        assert (kinds["view"], kinds["click"], kinds["cart"]) == (1, 2, 2)

    def test_purchases_have_their_price_and_an_erased_visitor_gets_popular_items(
        self, visitor: Visitor, shop: Shop
    ) -> None:
        visitor.expected = ["409"]  # of the erased visitor's events
        page = visitor.page
        page.add_init_script("sessionStorage.setItem('serendip.shop.visitor', '{\"user\": \"buyer-1\"}')")
        page.goto(f"{visitor.base}/console/shop")
        shelf = page.get_by_role("region", name="Recommended for you")
        expect(shelf.get_by_role("link")).to_have_count(12)
        shelf.get_by_role("link").first.click()
        page.get_by_role("button", name="Add to cart").click()
        page.get_by_role("link", name="Cart").click()
        page.get_by_role("button", name="Buy now").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you!")
        expect(shelf.get_by_role("link")).to_have_count(6)  # its socket is open, so leaving is no fault

        [bought] = [event for event in shop.events_of("buyer-1") if event["event_type"] == "purchase"]
        price = shop.api.get(f"/v1/items/{bought['item_id']}").json()["properties"]["price"]
        assert (bought["value"], bool(bought["attribution"])) == (price, True)

        shop.api.delete("/v1/users/buyer-1").raise_for_status()
        sockets: list[object] = []
        page.on("websocket", lambda socket: sockets.append(socket))  # noqa: PLW0108 - Playwright marks its handlers
        page.goto(f"{visitor.base}/console")
        page.goto(f"{visitor.base}/console/shop")
        expect(shelf.get_by_role("link")).to_have_count(12)
        expect(page.get_by_role("alert")).to_have_text("The user was erased. Nothing was stored.")
        assert sockets == []
        page.get_by_role("link", name="Back to the console").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
