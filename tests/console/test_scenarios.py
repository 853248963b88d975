"""Scenarios: settings and rules with completion, a live preview, versions to restore, and refused overwrites."""

from playwright.sync_api import Browser, expect

from tests.console.conftest import Shop
from tests.console.visitor import Visitor, card, visiting
from tests.support.builders import until
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium
SECONDS = 15_000


class TestScenarios:
    def test_a_rule_is_completed_checked_and_previewed(self, visitor: Visitor, shop: Shop) -> None:
        visitor.expected = ["404", "422"]  # before it is stored, and while the rule is wrong
        page = visitor.open("/scenarios")
        page.get_by_role("button", name="New scenario").click()
        page.get_by_label("Id", exact=True).fill("flows")
        page.get_by_role("button", name="Continue").click()
        preview = card(page, "Live preview")
        expect(preview.get_by_role("listitem").first).to_be_visible(timeout=SECONDS)

        # completion by keyboard: the property, with an example, then a category
        rule = page.get_by_label("Filter", exact=True)
        rule.press_sequentially("item.pr")
        expect(page.get_by_role("option", name="price such as")).to_be_visible()
        visitor.photograph("scenario-completion")
        rule.press("Enter")
        expect(rule).to_have_value("item.price")
        rule.press_sequentially(" <")
        expect(page.get_by_text("It ends too early", exact=True)).to_be_visible(timeout=SECONDS)
        expect(page.get_by_role("button", name="Go to line 1, column 13")).to_be_visible()
        expect(page.locator(".scenario-fault")).to_have_text("item.price < \n            ^")
        expect(page.get_by_role("button", name="Create scenario")).to_be_disabled()
        rule.fill("itm.price < 0.0")
        expect(page.get_by_text("“itm” is unknown; did you mean “item”?", exact=True)).to_be_visible(timeout=SECONDS)
        expect(page.locator(".scenario-fault")).to_have_text("itm.price < 0.0\n^^^")
        visitor.photograph("scenario-error")
        page.get_by_role("button", name="Write item", exact=True).click()
        expect(rule).to_have_value("item.price < 0.0")
        expect(preview).to_contain_text("The filter leaves nothing for this user.", timeout=SECONDS)

        category = shop.api.get("/v1/items").json()["items"][0]["categories"][0]
        rule.fill("")
        rule.press_sequentially(f'"{category[:3]}')
        rule.press("Tab")
        rule.press_sequentially(" in item.cat")
        rule.press("Enter")
        expect(rule).to_have_value(f'"{category}" in item.categories')
        expect(preview.get_by_role("listitem").first).to_be_visible(timeout=SECONDS)
        expect(preview.get_by_role("listitem").first).to_contain_text(category)
        page.get_by_label("Items", exact=True).first.fill("3")
        expect(preview.get_by_role("listitem")).to_have_count(3, timeout=SECONDS)
        page.get_by_role("button", name="Create scenario").click()

        expect(page.get_by_text("version 1", exact=False).first).to_be_visible(timeout=SECONDS)
        stored = shop.api.get("/v1/scenarios/flows").json()
        assert (stored["version"], stored["settings"]["limit"]) == (1, 3)
        assert stored["settings"]["filter"] == f'"{category}" in item.categories'
        visitor.photograph("scenario-created")
        shop.api.delete("/v1/scenarios/flows").raise_for_status()

    def test_names_that_nothing_has_are_doubted(self, visitor: Visitor, shop: Shop) -> None:
        visitor.expected = ["404"]
        category = shop.api.get("/v1/items").json()["items"][0]["categories"][0]
        page = visitor.open("/scenarios/doubted")
        preview, rule = card(page, "Live preview"), page.get_by_label("Filter", exact=True)
        rule.fill(f'!("{category}" in item.categorys) || "{category}s" in item.categories')
        doubts = page.get_by_role("list", name="What may be wrong in filter")
        expect(doubts).to_contain_text(f"No item has the category “{category}s”.")
        expect(preview).to_contain_text("Did you mean “categories”?", timeout=SECONDS)
        visitor.photograph("scenario-doubts")
        doubts.get_by_role("button", name="Write categories").click()
        doubts.get_by_role("button", name=f'Write "{category}"').click()
        expect(rule).to_have_value(f'!("{category}" in item.categories) || "{category}" in item.categories')
        expect(doubts).to_have_count(0)

    def test_changes_are_kept_until_they_are_saved(self, visitor: Visitor, shop: Shop) -> None:
        visitor.expected = ["404"]
        page = visitor.open("/scenarios/kept")
        page.get_by_label("Items", exact=True).fill("3")
        expect(card(page, "Not saved yet")).to_contain_text("10 becomes 3")
        page.get_by_role("link", name="All scenarios").click()
        expect(page.get_by_text("Not saved yet: kept")).to_be_visible()
        closes = "dispatchEvent(new Event('beforeunload', {cancelable: true}))"
        assert page.evaluate(closes) is False
        visitor.photograph("scenarios-unsaved")

        page.get_by_role("link", name="kept").click()
        expect(page.get_by_label("Items", exact=True)).to_have_value("3")
        page.get_by_role("button", name="Create scenario").click()
        expect(page.get_by_text("version 1", exact=False).first).to_be_visible(timeout=SECONDS)
        assert page.evaluate(closes) is True
        assert shop.api.get("/v1/scenarios/kept").json()["settings"]["limit"] == 3
        shop.api.delete("/v1/scenarios/kept").raise_for_status()

    def test_a_page_of_rows_is_changed_restored_and_deleted(self, visitor: Visitor, shop: Shop) -> None:
        visitor.expected = ["422"]  # a row without a title
        shop.api.put("/v1/scenarios/rows", json={"limit": 3}).raise_for_status()
        stored = shop.api.get("/v1/scenarios/rows").json()
        page = visitor.open("/scenarios/rows")
        preview = card(page, "Live preview")
        page.get_by_role("button", name="Add row").click()
        page.get_by_label("What it shows").select_option("trending")
        page.get_by_label("Title").fill("")
        expect(preview).to_contain_text("rows, 0, title:", timeout=SECONDS)
        page.get_by_label("Title").fill("Right now")
        expect(preview.get_by_role("heading", name="Right now")).to_be_visible(timeout=SECONDS)
        expect(page.get_by_text("Rows of a page: none becomes “Right now” (trending, 10 items)")).to_be_visible()
        visitor.photograph("scenario")
        page.get_by_role("button", name="Save version").click()
        versions = card(page, "Versions")
        expect(versions).to_contain_text("Version 2", timeout=SECONDS)
        expect(versions).to_contain_text("none became “Right now”")
        page.get_by_role("button", name="Restore version 1").click()
        visitor.photograph("scenario-restore")
        page.get_by_role("button", name="Restore", exact=True).click()
        expect(versions).to_contain_text("Version 3", timeout=SECONDS)
        assert shop.api.get("/v1/scenarios/rows").json()["settings"] == stored["settings"]

        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_role("button", name="Delete scenario").click()
        expect(page.get_by_role("heading", name="Scenarios", level=1)).to_be_visible()
        assert shop.api.get("/v1/scenarios/rows").status_code == 404

    def test_a_change_by_somebody_else_is_not_overwritten(self, visitor: Visitor, shop: Shop) -> None:
        visitor.expected = ["412"]
        shop.api.put("/v1/scenarios/shared", json={"limit": 4, "exploration": 0.1}).raise_for_status()
        page = visitor.open("/scenarios")
        visitor.photograph("scenarios")
        page.get_by_role("link", name="shared").click()
        expect(page.get_by_label("Items", exact=True)).to_have_value("4", timeout=SECONDS)
        shop.api.put("/v1/scenarios/shared", json={"limit": 5}).raise_for_status()
        page.get_by_label("Items", exact=True).fill("6")
        page.get_by_role("button", name="Save version").click()

        expect(page.get_by_text("changed elsewhere")).to_be_visible(timeout=SECONDS)
        assert shop.api.get("/v1/scenarios/shared").json()["settings"]["limit"] == 5
        page.get_by_role("button", name="Load the current version").click()
        expect(card(page, "Not saved yet")).to_contain_text("Items: 5 becomes 6")
        expect(card(page, "Not saved yet")).not_to_contain_text("Positions for new items")  # they are not taken back
        page.get_by_role("button", name="Discard").click()
        expect(page.get_by_label("Items", exact=True)).to_have_value("5")
        shop.api.delete("/v1/scenarios/shared").raise_for_status()

    def test_a_scenario_that_cannot_be_read_is_not_offered_as_a_new_one(self, visitor: Visitor) -> None:
        visitor.expected = ["403"]
        refused = {"title": "Forbidden", "status": 403, "detail": "The key needs the scope admin."}
        visitor.page.route("**/v1/scenarios/unread", lambda route: route.fulfill(status=403, json=refused))
        page = visitor.open("/scenarios/unread")

        expect(page.get_by_role("alert")).to_contain_text("The key needs the scope admin.")
        expect(page.get_by_role("button", name="Create scenario")).to_have_count(0)

    def test_the_preview_is_of_a_user_who_has_only_events(self, chromium: Browser, shop: Shop) -> None:
        key = shop.new_project("scenarios-events")
        with visiting(chromium, shop.base, key) as visitor:
            visitor.expected = ["404"]  # the scenario, and then the profile, are not stored
            page = visitor.open("/scenarios/first")
            preview = card(page, "Live preview")
            expect(preview).to_contain_text("Whose list do you want to see?", timeout=SECONDS)
            with shop.client(key) as api:
                api.post("/v1/events", json={"events": [{"user_id": "ann", "item_id": "tea"}]}).raise_for_status()
                until(lambda: bool(api.get("/v1/events").json()["events"]))
            page.reload()

            expect(preview.get_by_label("User")).to_have_value("ann", timeout=SECONDS)
