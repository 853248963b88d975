"""Usage and cost: what a week or a month cost, at a glance."""

from datetime import date, timedelta

from playwright.sync_api import Browser, Page, expect

from app import clock
from app.domain.access import DailyUsage
from app.storage.usage import UsageStore
from tests.console.conftest import Shop
from tests.console.visitor import Visitor, visiting
from tests.support.builders import wired_on
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium
CONTRAST = """tab => {
    const luminance = element => {
        const linear = part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        const parts = getComputedStyle(element).backgroundColor.match(/\\d+/g);
        const [red, green, blue] = parts.map(part => linear(part / 255));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    };
    return luminance(tab) / luminance(tab.parentElement);
}"""
"""Of a selected tab with its bar."""


def tile(page: Page, label: str) -> str:
    """The number of a tile."""
    tiles = page.locator(".stat", has=page.get_by_text(label, exact=True))
    return tiles.locator("strong").inner_text()


def this_day(visitor: Visitor) -> date:
    """Stops the clock of the browser, so that its day stays that of the test; returns the day."""
    now = clock.now()
    visitor.page.clock.set_fixed_time(now)
    return now.date()


class TestUsage:
    def test_it_says_what_last_week_and_month_cost(self, visitor: Visitor, shop: Shop) -> None:
        today = this_day(visitor)
        page = visitor.open("/usage")
        expect(page.get_by_role("img", name="Estimated US dollars by day").locator("canvas")).to_be_visible()

        monday = today - timedelta(days=today.weekday() + 7)
        assert tile(page, "Last week") == f"${cost(shop, monday, monday + timedelta(days=6)):.2f}"
        last_day = today.replace(day=1) - timedelta(days=1)
        assert tile(page, "Last month") == f"${cost(shop, last_day.replace(day=1), last_day):.2f}"
        assert float(tile(page, "Forecast for the month")[1:]) >= float(tile(page, "This month so far")[1:]) > 0
        expect(page.get_by_text("At the rate of the last 7 days")).to_be_visible()

    def test_the_forecast_of_a_new_project_is_from_today(self, chromium: Browser, shop: Shop) -> None:
        key, wired = shop.new_project("usage-new"), wired_on(shop.settings)
        with visiting(chromium, shop.base, key) as visitor:
            UsageStore(wired.database).add("usage-new", DailyUsage(this_day(visitor), requests=1))
            page = visitor.open("/usage")

            expect(page.get_by_text("If every day costs what today has cost so far")).to_be_visible()
            assert tile(page, "This month so far") == "<$0.0001"
        wired.close()

    def test_weeks_and_months_sum_their_days(self, visitor: Visitor, shop: Shop) -> None:
        today = this_day(visitor)
        page = visitor.open("/usage")
        page.get_by_role("button", name="By week").click()
        expect(page.get_by_role("heading", name="Cost by week")).to_be_visible()
        page.emulate_media(color_scheme="dark")
        assert page.get_by_role("button", name="By week").evaluate(CONTRAST) > 1.4
        chart = page.locator("figure", has=page.get_by_role("img", name="Estimated US dollars by week"))
        chart.get_by_text("Show as table").click()

        monday = today - timedelta(days=today.weekday() + 7)
        this_week = today - timedelta(days=today.weekday())
        expect(chart.locator("details").get_by_role("row").nth(1)).to_contain_text(this_week.isoformat())
        row = chart.get_by_role("row").filter(has_text=monday.isoformat())
        expect(row).to_contain_text(f"${cost(shop, monday, monday + timedelta(days=6)):.2f}")
        expect(page.get_by_text("public on-demand prices of AWS")).to_be_visible()


def cost(shop: Shop, first: date, last: date) -> float:
    """The US dollars of some days, from the API."""
    query: dict[str, str | int] = {"to": last.isoformat(), "days": (last - first).days + 1}
    return float(shop.api.get("/v1/usage", params=query).json()["estimated_usd"])
