"""Projects, for a key of the administration, and the settings of one."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.console.conftest import Shop
from tests.console.visitor import Visitor, visiting
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium


@pytest.fixture
def administrator(chromium: Browser, shop: Shop) -> Iterator[Visitor]:
    with visiting(chromium, shop.base, shop.root_key) as visitor:
        yield visitor


class TestProjects:
    def test_a_project_is_created_and_signed_in_to(self, administrator: Visitor) -> None:
        page = administrator.open("/projects")
        page.get_by_role("button", name="Create project").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Id").fill("tea-house")
        dialog.get_by_label("Name").fill("The tea house")
        dialog.get_by_label("Requests per second").fill("50")
        dialog.get_by_role("button", name="Create project").click()
        expect(dialog).to_contain_text("The first admin key of tea-house")
        row = page.get_by_role("row").filter(has_text="tea-house")
        expect(row).to_contain_text("50 a second")
        dialog.get_by_role("button", name="Sign in with it").click()

        expect(page.get_by_label("Project", exact=True)).to_have_value("tea-house")

    def test_a_project_is_deleted_with_a_receipt(self, administrator: Visitor, shop: Shop) -> None:
        shop.new_project("short-lived")
        page = administrator.open("/projects")
        page.get_by_role("button", name="Delete short-lived").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("button", name="Delete project")).to_be_disabled()
        typed = dialog.get_by_label("Type the id of the project to confirm")
        typed.fill("short-lived")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(dialog.get_by_role("status")).to_have_text("Nothing has been removed.")
        administrator.photograph("projects-leaving")
        dialog.get_by_role("button", name="Go back").click()
        expect(typed).to_have_value("short-lived")
        dialog.get_by_role("button", name="Delete project").click()

        expect(dialog).to_contain_text("1 key")
        administrator.check_accessible()
        with page.expect_download() as saved:
            dialog.get_by_role("button", name="Download receipt").click()
        receipt = json.loads(saved.value.path().read_text())
        assert (receipt["project_id"], receipt["removed"]["keys"]) == ("short-lived", 1)
        dialog.locator("footer").get_by_role("button", name="Close").click()
        expect(page.get_by_role("row").filter(has_text="short-lived")).to_contain_text("deleting")
        administrator.photograph("projects")


class TestSettings:
    def test_they_are_saved_and_refused_with_reasons(self, newcomer: Visitor) -> None:
        page = newcomer.open("/settings")
        page.get_by_label("Recommend them").select_option("Never: only items with a record")
        page.get_by_label("Web origins").fill("shop.example")
        newcomer.expected = ["422"]
        page.get_by_role("button", name="Save settings").click()
        expect(page.get_by_label("Web origins")).to_have_attribute("aria-invalid", "true")
        assert "/origins/0" not in page.get_by_role("main").inner_text()
        page.get_by_label("Web origins").fill("https://shop.example")
        page.get_by_role("link", name="Home", exact=True).click()
        page.get_by_role("link", name="Project settings").click()
        expect(page.get_by_label("Web origins")).to_have_value("https://shop.example")
        newcomer.photograph("settings")
        page.get_by_role("button", name="Save settings").click()

        expect(page.get_by_role("button", name="Save settings")).to_be_disabled()
        page.reload()
        expect(page.get_by_label("Web origins")).to_have_value("https://shop.example")
        page.get_by_label("Web origins").fill("")
        page.get_by_label("Recommend them").select_option("Until the project has items (default)")
        page.get_by_role("button", name="Save settings").click()
        expect(page.get_by_role("button", name="Save settings")).to_be_disabled()
