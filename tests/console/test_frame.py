"""The console's frame: signing in, navigation, theme, and the rules of the page."""

import os
import re
import subprocess
import sys

from playwright.sync_api import Route, expect

from infra.console import node
from tests.console.conftest import EMPTY, PROJECT, Shop
from tests.console.visitor import Visitor
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium


class TestSignIn:
    def test_a_key_signs_in_and_is_kept_by_the_tabs_only(self, stranger: Visitor, shop: Shop) -> None:
        page = stranger.open()
        stranger.photograph("sign-in")
        page.get_by_label("API key").fill(shop.key)
        page.get_by_role("button", name="Sign in").click()

        expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
        expect(page.get_by_label("Project")).to_have_value(PROJECT)
        assert shop.key not in page.url
        assert page.evaluate("JSON.stringify(localStorage) + document.cookie").count(shop.key) == 0
        assert shop.key in page.evaluate("JSON.stringify(sessionStorage)")
        page.reload()
        expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
        other = page.context.new_page()
        other.goto(f"{stranger.base}/console/usage")
        expect(other.get_by_role("heading", name="Usage and cost", level=1)).to_be_visible()
        other.get_by_role("button", name="Sign out").click()
        expect(other.get_by_label("API key")).to_be_visible()
        expect(page.get_by_label("API key")).to_be_visible()
        assert shop.key not in other.evaluate("JSON.stringify(sessionStorage)")
        assert shop.key not in page.evaluate("JSON.stringify(sessionStorage)")

    def test_a_wrong_key_is_refused_with_a_reason(self, stranger: Visitor) -> None:
        stranger.expected = ["401"]
        page = stranger.open()
        page.get_by_label("API key").fill("sk_nothing")
        page.get_by_role("button", name="Sign in").click()

        expect(page.get_by_role("alert")).to_contain_text("Not authenticated. Not a valid API key")

    def test_the_link_of_a_local_server_signs_in_and_leaves_no_trace(self, stranger: Visitor, shop: Shop) -> None:
        page = stranger.page
        codes: list[str | None] = []

        def exchange(route: Route) -> None:
            codes.append(route.request.post_data)
            route.fulfill(json={"key": shop.key})

        page.route("**/console/session", exchange)
        page.goto(f"{stranger.base}/console#code=c0de")

        expect(page.get_by_label("Project")).to_have_value(PROJECT)
        assert codes == ["c0de"]
        assert page.url == f"{stranger.base}/console"

    def test_a_used_link_says_so_and_offers_the_form(self, stranger: Visitor) -> None:
        stranger.expected = ["405"]  # this server is none of make run
        page = stranger.page
        page.goto(f"{stranger.base}/console#code=c0de")

        expect(page.get_by_role("alert")).to_contain_text("has been used or has expired")
        expect(page.get_by_label("API key")).to_be_visible()

    def test_a_second_key_adds_a_project_to_switch_to(self, visitor: Visitor, shop: Shop) -> None:
        page = visitor.open()
        page.get_by_label("Project").select_option("Another key…")
        page.get_by_label("API key").fill(shop.empty_key)
        page.get_by_role("button", name="Sign in").click()

        expect(page.get_by_label("Project")).to_have_value(EMPTY)
        page.get_by_label("Project").select_option(PROJECT)
        expect(page.get_by_label("Project")).to_have_value(PROJECT)


class TestApiCall:
    def test_the_copied_calls_work_and_hold_no_key(self, visitor: Visitor, shop: Shop) -> None:
        page = visitor.open()
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="API call").first.click()
        dialog = page.get_by_role("dialog")
        visitor.photograph("api-call")
        copied = {}
        for language in ("curl", "Python", "TypeScript"):
            dialog.get_by_role("button", name=language).click()
            dialog.get_by_role("button", name="Copy").click()
            copied[language] = page.evaluate("navigator.clipboard.readText()")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()

        programs = {
            "curl": ["bash", "-c", copied["curl"]],
            "Python": [sys.executable, "-c", copied["Python"]],
            "TypeScript": [*node(), "--input-type=module", "--eval", copied["TypeScript"]],
        }
        for language, program in programs.items():
            assert shop.key not in copied[language]
            environment = {**os.environ, "SERENDIP_API_KEY": shop.key}
            done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
            assert "estimated_usd" in done.stdout, done.stderr


class TestFrame:
    def test_the_root_leads_to_home(self, visitor: Visitor) -> None:
        page = visitor.page
        page.goto(visitor.base)

        expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
        expect(page).to_have_url(re.compile(r"/console$"))

    def test_the_theme_follows_the_system_until_it_is_chosen(self, visitor: Visitor) -> None:
        page = visitor.open()
        root = page.locator("html")
        page.emulate_media(color_scheme="dark")
        expect(root).to_have_attribute("data-theme", "dark")
        page.get_by_role("button", name="Use the light theme").click()
        page.reload()

        expect(root).to_have_attribute("data-theme", "light")

    def test_the_keyboard_reaches_the_content_first(self, visitor: Visitor) -> None:
        page = visitor.open()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Skip to content")).to_be_focused()
        page.keyboard.press("Enter")

        expect(page.get_by_role("main")).to_be_focused()

    def test_a_phone_has_the_navigation_behind_a_button(self, visitor: Visitor) -> None:
        page = visitor.page
        page.set_viewport_size({"width": 390, "height": 800})
        visitor.open()
        expect(page.get_by_role("navigation")).to_be_hidden()
        page.get_by_role("button", name="Menu", exact=True).click()

        expect(page.get_by_role("navigation")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("navigation")).to_be_hidden()
        page.get_by_role("button", name="Menu", exact=True).click()
        expect(page.get_by_role("button", name="Sign out")).to_be_in_viewport(ratio=1)
        page.get_by_role("link", name="Home").click()
        expect(page.get_by_role("navigation")).to_be_hidden()

    def test_an_unknown_page_says_so(self, visitor: Visitor) -> None:
        page = visitor.page
        page.goto(f"{visitor.base}/console/nothing")

        expect(page.get_by_role("main")).to_contain_text("There is no such page")
