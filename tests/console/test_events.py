"""Events: the newest of all users as they arrive, and what types count."""

from time import monotonic

from playwright.sync_api import Browser, expect

from tests.console.conftest import Shop
from tests.console.visitor import Visitor, visiting
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium


def send(shop: Shop, user: str, item: str, event_type: str = "view") -> None:
    event = {"user_id": user, "item_id": item, "event_type": event_type}
    shop.api.post("/v1/events", json={"events": [event]}).raise_for_status()


class TestFeed:
    def test_it_moves_with_the_events_and_says_what_is_unknown(self, visitor: Visitor, shop: Shop) -> None:
        page = visitor.open("/events")
        table = page.get_by_role("table", name="Newest events")
        expect(table.get_by_role("row")).to_have_count(51)
        expect(page.locator(".live")).to_have_text("live")

        started = monotonic()
        send(shop, "events-1", "events-item", "events_wave")
        expect(table.get_by_role("row").nth(1)).to_contain_text("events-1")
        assert monotonic() - started < 5  # a second on a quiet machine

        expect(table.get_by_role("row").nth(1)).to_contain_text("unknown item")
        expect(table.get_by_role("row").nth(1)).to_contain_text("unknown type")
        expect(page.get_by_text("The meaning of events_wave is not known")).to_be_visible()
        send(shop, "events-2", "sku-004", "purchase")
        expect(table.get_by_role("row").nth(1)).to_contain_text("events-2")
        visitor.photograph("events")

    def test_older_ones_stay_while_new_ones_arrive(self, visitor: Visitor, shop: Shop) -> None:
        page = visitor.open("/events")
        table = page.get_by_role("table", name="Newest events")
        expect(table.get_by_role("row")).to_have_count(51)
        page.get_by_role("button", name="Load more").click()
        expect(table.get_by_role("row")).to_have_count(101)

        send(shop, "events-3", "sku-004")

        expect(table.get_by_role("row").nth(1)).to_contain_text("events-3")
        expect(table.get_by_role("row")).to_have_count(102)

    def test_it_is_narrowed_to_a_user_an_item_and_a_type(self, visitor: Visitor, shop: Shop) -> None:
        for item, event_type in (
            ("sku-005", "view"),
            ("sku-006", "view"),
            ("sku-006", "cart"),
            ("sku-006", "impression"),
        ):
            send(shop, "events-4", item, event_type)
        page = visitor.open("/events")
        table = page.get_by_role("table", name="Newest events")
        page.get_by_label("User").fill("events-4")
        page.get_by_role("button", name="Show", exact=True).click()
        expect(table.get_by_role("row")).to_have_count(5)
        page.get_by_label("Item").fill("sku-006")
        page.get_by_role("button", name="Show", exact=True).click()
        expect(table.get_by_role("row")).to_have_count(4)
        page.get_by_label("Type").select_option("All but impressions")
        expect(table.get_by_role("row")).to_have_count(3)
        page.get_by_label("Type").select_option("cart")
        expect(table.get_by_role("row")).to_have_count(2)
        page.reload()
        expect(table.get_by_role("row")).to_have_count(2)
        page.get_by_role("button", name="Show all").click()
        expect(table.get_by_role("row")).to_have_count(51)

    def test_a_key_that_may_not_administrate_sees_the_feed_alone(self, chromium: Browser, shop: Shop) -> None:
        with visiting(chromium, shop.base, shop.new_key("write")) as writer:
            page = writer.open("/events")

            expect(page.get_by_role("table", name="Newest events")).to_be_visible()
            expect(page.get_by_role("button", name="Types and weights")).not_to_be_visible()


class TestTypes:
    def test_weights_and_meanings_are_set_and_reset(self, visitor: Visitor, shop: Shop) -> None:
        send(shop, "events-5", "sku-001", "events_lease")
        page = visitor.open("/events?view=types")
        table = page.get_by_role("table", name="Event types")
        expect(table).to_contain_text("purchase")
        page.get_by_role("button", name="Add type").click()
        dialog = page.get_by_role("dialog", name="Add a type")
        dialog.get_by_label("Type").fill("events_lease")
        dialog.get_by_label("Means").select_option("A purchase")
        dialog.get_by_label("Lists").fill("0.5")
        visitor.check_accessible()
        dialog.get_by_role("button", name="Save type").click()

        row = table.get_by_role("row").filter(has_text="events_lease")
        expect(row.get_by_text("own", exact=True)).to_be_visible()
        stored = shop.api.get("/v1/event-types/events_lease").json()
        assert (stored["kind"], stored["weights"]) == ("purchase", {"learning": 3.0, "serving": 3.0, "lists": 0.5})
        visitor.photograph("event-types")

        row.get_by_role("button", name="Edit events_lease").click()
        dialog = page.get_by_role("dialog", name="Weights of events_lease")
        dialog.get_by_label("History").fill("-2")
        dialog.get_by_role("button", name="Save type").click()
        expect(row).to_contain_text("-2.0")
        row.get_by_role("button", name="Reset events_lease").click()
        page.get_by_role("dialog").get_by_role("button", name="Reset weights").click()
        expect(row.get_by_text("own", exact=True)).not_to_be_visible()
        assert shop.api.get("/v1/event-types/events_lease").json()["is_default"]


def test_refused_requests_are_shown_with_their_faults(chromium: Browser, shop: Shop) -> None:
    """In a project of its own: a project's refusals are listed at most every ten seconds."""
    key = shop.new_project("refusing")
    with shop.client(key) as sender:
        refused = sender.post("/v1/events", json={"events": [{"user_id": "events-6", "item_id": "no id"}]})
    with visiting(chromium, shop.base, key) as visitor:
        page = visitor.open("/events?view=failures")

        assert refused.status_code == 422
        table = page.get_by_role("table", name="Refused requests")
        expect(table).to_contain_text("/events/0/item_id")
        expect(page.get_by_text("Every event was counted")).to_be_visible()
        visitor.photograph("events-refused")
