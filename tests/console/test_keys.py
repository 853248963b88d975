"""Keys and their limits: created, shown once, used, changed, rotated, revoked."""

import re

import httpx2
from playwright.sync_api import Page, expect

from tests.console.conftest import Shop
from tests.console.visitor import Visitor
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium


def secret_in(page: Page) -> str:
    """The text of a new key."""
    return page.get_by_role("dialog").get_by_label("Key", exact=True).input_value()


def status(shop: Shop, key: str) -> int:
    headers = {"X-API-Key": key, "Origin": "https://shop.example"}
    return httpx2.get(f"{shop.base}/v1/principal", headers=headers, timeout=60).status_code


class TestKeys:
    def test_a_key_is_created_and_shown_once(self, visitor: Visitor, shop: Shop) -> None:
        visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = visitor.open("/keys")
        page.get_by_role("button", name="Create key").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("page of the shop")
        dialog.get_by_text("Reads lists in your pages").click()
        dialog.get_by_label("Expires").select_option("In 30 days")
        dialog.get_by_label("Web origins").fill("https://shop.example\nhttps://www.shop.example\n")
        limits = dialog.get_by_role("group", name="Limits of the key")
        limits.get_by_label("Requests per second").fill("5")
        limits.get_by_label("Per day").fill("9000")
        visitor.photograph("keys-create")
        assert dialog.get_by_label("Per day").last.get_attribute("placeholder") == "5,000"
        dialog.get_by_role("button", name="Create key").click()

        expect(dialog).to_contain_text("it is not shown again")
        secret = secret_in(page)
        page.keyboard.press("Escape")
        expect(dialog).to_contain_text("You have not copied it yet")
        dialog.get_by_role("button", name="Copy key").click()
        assert page.evaluate("navigator.clipboard.readText()") == secret
        assert status(shop, secret) == 200
        script, call = dialog.locator("pre").all_inner_texts()
        assert f'<script src="{shop.base}/serendip-1.js">' in script
        assert f'"key_id": "{secret[3:15]}"' in call
        visitor.photograph("keys-page")
        dialog.get_by_role("button", name="I have stored it").click()
        row = page.get_by_role("row").filter(has_text="page of the shop")
        expect(row).to_contain_text("events of the token's user")
        expect(row).to_contain_text("5 a second, 9,000 a day")
        expect(row).to_contain_text("each user's events: 1 a second, 30 at once, 5,000 a day")
        assert secret not in page.content()
        stored = next(key for key in shop.api.get("/v1/keys").json()["keys"] if key["name"] == "page of the shop")
        assert (stored["scopes"], stored["needs_user_token"]) == (["events:own", "recommend"], True)
        assert stored["origins"] == ["https://shop.example", "https://www.shop.example"]
        assert stored["expires_at"] is not None
        visitor.photograph("keys")

    def test_every_scope_can_be_chosen(self, visitor: Visitor, shop: Shop) -> None:
        page = visitor.open("/keys")
        dialog = page.get_by_role("dialog")
        chosen = {}
        for right in ("Web page", "Recommend", "Read", "Write", "Admin"):
            page.get_by_role("button", name="Create key").click()
            dialog.get_by_label("Name").fill(f"all of {right}")
            dialog.get_by_role("radio", name=re.compile(f"^{right}\\b")).check()
            for switch in dialog.get_by_role("switch").all():
                switch.press("Space")
            if right == "Web page":
                visitor.check_accessible()
            dialog.get_by_role("button", name="Create key").click()
            expect(dialog).to_contain_text("it is not shown again")
            dialog.get_by_role("button", name="I have stored it").click()
            keys = shop.api.get("/v1/keys").json()["keys"]
            chosen[right] = {scope for key in keys if key["name"] == f"all of {right}" for scope in key["scopes"]}

        offered = shop.api.get("/openapi.json").json()["components"]["schemas"]["Scope"]["enum"]
        assert set.union(*chosen.values()) == set(offered)
        assert set.intersection(*chosen.values()) == {"rules", "events:own"}

    def test_a_key_is_changed_and_revoked(self, visitor: Visitor, shop: Shop) -> None:
        limits = {"requests_per_second": 50, "requests_per_day": 9_000}
        body = {"name": "to change", "scopes": ["recommend"], "expires_at": "2100-01-01T00:00:00Z", "limits": limits}
        made = shop.api.post("/v1/keys", json=body).json()
        page = visitor.open("/keys")
        row, dialog = page.get_by_role("row").filter(has_text="to change"), page.get_by_role("dialog")
        page.set_viewport_size({"width": 390, "height": 900})
        box = page.get_by_role("button", name="Revoke to change").bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= 390 - box["width"]
        page.set_viewport_size({"width": 1440, "height": 900})
        row.get_by_role("button", name="Edit").click()
        dialog.get_by_label("Expires").select_option("Never")
        dialog.get_by_label("Web origins").fill("shop.example")
        visitor.expected = ["422"]
        dialog.get_by_role("button", name="Save changes").click()
        expect(dialog.get_by_label("Web origins")).to_have_accessible_description(re.compile("must be a web origin"))
        dialog.get_by_label("Web origins").fill("")
        dialog.get_by_role("group", name="Limits of the key").get_by_label("Per day").fill("")
        dialog.get_by_role("button", name="Save changes").click()
        expect(row).not_to_contain_text("9,000 a day")
        stored = shop.api.get(f"/v1/keys/{made['key_id']}").json()
        assert (stored["origins"], stored["expires_at"]) == ([], None)

        row.get_by_role("button", name="Revoke").click()
        dialog.get_by_role("button", name="Revoke key").click()
        expect(row).to_have_count(0)
        assert status(shop, made["key"]) == 401
        page.get_by_role("button", name="Ended").click()
        expect(row).to_contain_text("revoked")

    def test_a_rotated_key_works_for_a_while(self, visitor: Visitor, shop: Shop) -> None:
        old = shop.api.post("/v1/keys", json={"name": "to rotate", "scopes": ["write"]}).json()["key"]
        page = visitor.open("/keys")
        page.get_by_role("button", name="Rotate to rotate").click()
        page.get_by_role("dialog").get_by_label("The old key works").select_option("Another hour")
        page.get_by_role("button", name="Rotate key").click()

        expect(page.get_by_role("dialog")).to_contain_text("it is not shown again")
        assert [status(shop, old), status(shop, secret_in(page))] == [200, 200]


class TestLimits:
    def test_they_say_how_much_is_used(self, visitor: Visitor, shop: Shop) -> None:
        limits = {"requests_per_second": 0.01, "burst": 40, "requests_per_day": 50}
        key = shop.api.post("/v1/keys", json={"name": "limited", "scopes": ["recommend"], "limits": limits}).json()[
            "key"
        ]
        for _ in range(3):
            httpx2.get(f"{shop.base}/v1/principal", headers={"X-API-Key": key}, timeout=60).raise_for_status()
        page = visitor.open("/limits")
        today = page.get_by_role("meter", name="Today's requests of limited")

        expect(today).to_have_attribute("aria-valuenow", re.compile("[3-9]"))  # servers reserve some
        expect(page.get_by_role("meter", name="Requests of limited at once")).to_have_attribute("aria-valuemax", "40")
        visitor.photograph("limits")
        page.get_by_role("button", name="Edit the limits of limited").click()
        page.get_by_role("dialog").get_by_label("Per day").fill("8")
        page.get_by_role("button", name="Save limits").click()
        expect(today).to_have_attribute("aria-valuemax", "8")
        assert shop.api.get("/v1/keys").json()["keys"][-1]["limits"] == {**limits, "requests_per_day": 8}
