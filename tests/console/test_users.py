"""Users: found by id, changed without losing what others change, and their events."""

from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.console.conftest import Shop
from tests.console.visitor import Visitor, card
from tests.support.builders import until
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium


class TestUsers:
    def test_anybody_is_found_by_id(self, visitor: Visitor, shop: Shop) -> None:
        shop.api.put("/v1/users/users-1", json={"properties": {"country": "NL", "plan": "gold"}}).raise_for_status()
        sent = [{"user_id": "users-only-events", "item_id": item} for item in ("sku-001", "sku-002")]
        shop.api.post("/v1/events", json={"events": sent}).raise_for_status()
        until(lambda: shop.api.get("/v1/events").json()["events"][1]["user_id"] == "users-only-events")
        page = visitor.open("/users")
        expect(page.get_by_role("table", name="Users", exact=True).get_by_role("row")).to_have_count(26)
        recent = page.get_by_role("table", name="Recent users")
        expect(recent.get_by_role("row").nth(1)).to_contain_text("users-only-events")
        assert recent.get_by_role("link", name="users-only-events").count() == 1

        page.get_by_label("User id").fill("users-1")
        page.get_by_role("button", name="Open user").click()

        expect(page.get_by_role("heading", name="users-1", level=1)).to_be_visible()
        expect(page.get_by_text("gold", exact=True)).to_be_visible()

    def test_a_mistyped_id_is_no_user(self, visitor: Visitor) -> None:
        visitor.expected = ["404"]
        page = visitor.open("/users/users-mistyped")

        expect(page.get_by_text("Nothing is stored about this user.")).to_be_visible()
        expect(page.get_by_text("Not a user so far")).to_be_visible()


class TestUser:
    def test_it_shows_properties_events_and_the_personal_list(self, visitor: Visitor, shop: Shop) -> None:
        user = shop.api.get("/v1/users?limit=1").json()["users"][0]["user_id"]
        page = visitor.open(f"/users/{user}")

        expect(page.get_by_role("table", name="Events of the user")).to_be_visible()
        expect(card(page, "Personal list").locator("article").first).to_contain_text("because of")
        page.get_by_role("link", name="View as user").last.click()
        expect(page.get_by_role("heading", name="View as user")).to_be_visible()

    def test_a_property_is_changed_beside_somebody_elses_change(self, visitor: Visitor, shop: Shop) -> None:
        shop.api.put("/v1/users/users-2", json={"properties": {"plan": "free", "age": 30}}).raise_for_status()
        visitor.expected = ["412"]
        page = visitor.open("/users/users-2")
        page.get_by_role("button", name="Edit properties").click()
        dialog = page.get_by_role("dialog", name="Properties of users-2")
        dialog.get_by_label("Value of plan").fill("gold")
        shop.api.patch("/v1/users/users-2", json={"properties": {"plan": "silver", "age": 31}}).raise_for_status()
        dialog.get_by_role("button", name="Save user").click()

        expect(dialog.get_by_role("table", name="Changes by others").get_by_role("row")).to_have_count(3)
        dialog.get_by_role("button", name="Save mine, keep their other changes").click()

        expect(dialog).not_to_be_visible()
        assert shop.api.get("/v1/users/users-2").json()["properties"] == {"plan": "gold", "age": 31}

    def test_one_event_is_removed(self, visitor: Visitor, shop: Shop) -> None:
        first = datetime.now(UTC).replace(microsecond=999_999) - timedelta(minutes=1)
        times = [first, first + timedelta(microseconds=1), first + timedelta(microseconds=2)]
        sent = [{"user_id": "users-3", "item_id": "sku-001", "timestamp": time.isoformat()} for time in times]
        shop.api.post("/v1/events", json={"events": sent}).raise_for_status()
        visitor.expected = ["404"]  # the user has no properties
        page = visitor.open("/users/users-3")
        table = page.get_by_role("table", name="Events of the user")
        expect(table.get_by_role("row")).to_have_count(4)
        expect(page.get_by_text("No properties")).to_be_visible()

        table.get_by_role("button", name="Remove view of sku-001").last.click()
        page.get_by_role("dialog").get_by_role("button", name="Remove event").click()

        expect(table.get_by_role("row")).to_have_count(3, timeout=30_000)
        until(lambda: len(shop.events_of("users-3")) == 2)
        left = [datetime.fromisoformat(event["timestamp"]) for event in shop.events_of("users-3")]
        assert left == [times[2], times[1]]
