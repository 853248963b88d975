"""Erasure: a copy, a receipt, and the way back."""

import json

from playwright.sync_api import expect

from tests.console.conftest import Shop
from tests.console.visitor import Visitor
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium
USER = "forget-me"


def remember(shop: Shop, **owner: str) -> None:
    events = [{**owner, "item_id": f"sku-{n:03}", "event_type": "view"} for n in range(12)]
    shop.api.post("/v1/events", json={"events": events}).raise_for_status()


class TestErasure:
    def test_a_user_is_copied_erased_and_let_back(self, visitor: Visitor, shop: Shop) -> None:
        remember(shop, user_id=USER)
        shop.api.put(f"/v1/users/{USER}", json={"properties": {"city": "Turin"}}).raise_for_status()
        page = visitor.open("/erasure")
        page.get_by_label("User").fill(USER)
        page.get_by_role("button", name="Look up").click()
        expect(page.get_by_text("A profile and 12 events")).to_be_visible()
        visitor.photograph("erasure")

        with page.expect_download() as copied:
            page.get_by_role("button", name="Download a copy").click()
        copy = json.loads(copied.value.path().read_text())
        assert copy["profile"]["properties"] == {"city": "Turin"}
        assert len(copy["events"]) == 12

        page.get_by_role("button", name="Erase…").click()
        button = page.get_by_role("button", name="Erase for good")
        expect(page.get_by_label("Type the id of the user to confirm")).to_be_focused()
        page.get_by_label("Type the id of the user to confirm").fill("forget")
        expect(button).to_be_disabled()
        page.get_by_label("Type the id of the user to confirm").fill(USER)
        visitor.check_accessible()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Go back").click()
        button.click()
        expect(page.get_by_role("heading", name=f"Receipt for {USER}")).to_be_visible()
        expect(page.get_by_text("1 profile, 12 events")).to_be_visible()
        visitor.photograph("erasure-receipt")
        assert shop.api.get(f"/v1/users/{USER}/export").json() == {"profile": None, "events": [], "next_cursor": None}
        with page.expect_download() as saved:
            page.get_by_role("button", name="Download receipt").click()
        receipt = shop.api.get(f"/v1/users/{USER}/erasure").json()
        assert json.loads(saved.value.path().read_text()) == {"user_id": USER, **receipt}

        visitor.expected = ["404"]  # there is no receipt any more
        page.get_by_role("button", name="Let come back…").click()
        page.get_by_role("button", name="Accept again").click()
        expect(page.get_by_text("Nothing is stored about this user")).to_be_visible()
        remember(shop, user_id=USER)
        page.get_by_role("button", name="Look up").click()
        expect(page.get_by_text("No profile and 12 events")).to_be_visible()

    def test_a_session_is_erased_with_a_receipt(self, visitor: Visitor, shop: Shop) -> None:
        remember(shop, session_id="forget-this")
        page = visitor.open("/erasure")
        page.get_by_label("Session").fill("forget-this")
        page.get_by_role("button", name="Erase session…").click()
        page.get_by_label("Type the id of the session to confirm").fill("forget")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Leave").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.get_by_role("button", name="Erase session…").click()
        page.get_by_label("Type the id of the session to confirm").fill("forget-this")
        page.keyboard.press("Enter")

        expect(page.get_by_text("12 events")).to_be_visible()
