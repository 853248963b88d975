"""Swagger UI and the guides in a real headless Chromium."""

from playwright.sync_api import Browser, expect

from app.config import Settings
from app.wiring import Wired
from tests.support.chromium import needs_chromium
from tests.support.server_process import served


@needs_chromium
class TestSwaggerUi:
    def test_try_it_out_executes_the_request(
        self, browser: Browser, wired: Wired, settings: Settings, key: str
    ) -> None:
        with served(settings, settings.project) as base:
            page = browser.new_page()
            urls: list[str] = []
            page.on("request", lambda request: urls.append(request.url))
            page.goto(f"{base}/docs")
            page.get_by_role("button", name="Authorize").first.click()
            page.locator(".auth-container", has_text="ApiKey").locator("input").fill(key)
            page.locator(".auth-container", has_text="ApiKey").get_by_role("button", name="Apply").click()
            page.locator(".btn-done").first.click()
            operation = page.locator("#operations-items-putItem")
            operation.click()
            operation.get_by_role("button", name="Try it out").click()
            operation.get_by_placeholder("item_id").fill("tea")
            operation.locator("textarea").fill('{"title": "Green Tea"}')
            operation.get_by_role("button", name="Execute").click()

            expect(operation.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
            expect(operation.locator(".live-responses-table")).to_contain_text("Green Tea")

        assert wired.services.items.get(settings.project, "tea").title == "Green Tea"
        assert [url for url in urls if not url.startswith((base, "data:"))] == []


@needs_chromium
class TestGuide:
    def test_guide_is_styled_and_its_links_lead_to_other_pages(
        self, browser: Browser, wired: Wired, settings: Settings
    ) -> None:
        del wired  # the tables exist
        with served(settings, settings.project) as base:
            page = browser.new_page()
            failed: list[str] = []
            page.on("response", lambda response: None if response.ok else failed.append(response.url))
            page.on("console", lambda message: failed.append(message.text) if message.type == "error" else None)
            page.goto(f"{base}/guide")

            page.get_by_role("link", name="Recommendations").click()

            expect(page.get_by_role("heading", level=1)).to_have_text("Recommendations")
            expect(page.locator("body")).to_have_css("max-width", "768px")  # waits for the style sheet
        assert failed == []
