"""Outcomes: what users did with their lists, by day, version and scenario, from impressions sent through the API."""

import re
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Route, expect

from app import clock
from tests.console.conftest import Shop
from tests.console.visitor import Visitor, card, visiting
from tests.support.builders import an_item, until, wired_on
from tests.support.chromium import needs_chromium
from tests.support.planted_models import Table, plant

pytestmark = needs_chromium
PROJECT = "outcomes"
OLD, NEW = "v20261110T101500123456-0001", "v20261120T101500123456-0002"
USERS, DAYS, SHOWN, ITEMS = 40, 10, 5, 12
NOW = clock.now()
"""When the users visit, and the time of the browser: midnight may pass while these tests run."""
RATES = {OLD: 0.15, NEW: 0.4}
"""How likely a click is."""
BATCH = 500


@pytest.fixture(scope="module")
def key(shop: Shop) -> str:
    """A key of a project whose users are divided between two versions, and click more on what the new one shows."""
    key = shop.new_project(PROJECT)
    wired = wired_on(shop.settings)
    wired.services.items.put_many(PROJECT, [an_item(f"i{number}") for number in range(ITEMS)])
    rows: Table = {f"i{n}": {f"i{(n + step) % ITEMS}": 1.0 / step for step in range(1, 9)} for n in range(ITEMS)}
    for version in (OLD, NEW):
        plant(wired, PROJECT, version, rows)
    wired.services.rollout.activate(PROJECT, OLD)
    wired.close()
    with shop.client(key) as api:
        api.put("/v1/rollout", json={"shares": {OLD: 50, NEW: 50}}).raise_for_status()
        api.put("/v1/scenarios/home", json={"limit": SHOWN}).raise_for_status()
        sent = _visits(api)
        for start in range(0, len(sent), BATCH):
            api.post("/v1/events", json={"events": sent[start : start + BATCH]}).raise_for_status()
        until(lambda: api.get("/v1/outcomes?days=30").json()["total"]["impressions"] == USERS * DAYS * SHOWN)
    return key


def _visits(api: httpx2.Client) -> list[dict[str, Any]]:
    random = Random(1)
    api.post("/v1/events", json={"events": [_event(f"u{n}", f"i{n % ITEMS}", "view") for n in range(USERS)]})
    sent: list[dict[str, Any]] = []
    for number in range(USERS):
        scenario = {"scenario": "home"} if number % 3 else {}
        answer = api.get(f"/v1/users/u{number}/recommendations", params={"limit": SHOWN, **scenario}).json()
        assert len(answer["items"]) == SHOWN
        for day in range(DAYS):
            for item in answer["items"]:
                happened = {
                    "recommendation_id": answer["recommendation_id"],
                    "timestamp": (NOW - timedelta(days=day)).isoformat(),
                }
                sent.append(_event(f"u{number}", item["item_id"], "impression", **happened))
                if random.random() < RATES[answer["model_version"]]:
                    sent.append(_event(f"u{number}", item["item_id"], "click", **happened))
                    if random.random() < 0.3:
                        sold = {**happened, "value": random.choice((9.5, 20.0, 45.0))}
                        sent.append(_event(f"u{number}", item["item_id"], "purchase", **sold))
    return sent


def _event(user: str, item: str, event_type: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user, "item_id": item, "event_type": event_type, **more}


@pytest.fixture
def analyst(chromium: Browser, shop: Shop, key: str) -> Iterator[Visitor]:
    with visiting(chromium, shop.base, key) as visitor:
        visitor.page.clock.set_fixed_time(NOW)
        yield visitor


class TestOutcomes:
    def test_it_says_which_version_is_better_and_how_sure_that_is(self, analyst: Visitor, shop: Shop, key: str) -> None:
        with shop.client(key) as api:
            outcomes = api.get("/v1/outcomes?days=14").json()
        total = outcomes["total"]
        page = analyst.open("/outcomes")

        expect(page.locator(".stat", has_text="Items shown")).to_contain_text(f"{USERS * DAYS * SHOWN:,} impressions")
        rate = page.locator(".stat", has_text="Click-through")
        expect(rate.locator("strong")).to_have_text(f"{total['click_through']['value'] + 1e-9:.1%}")
        expect(rate).to_contain_text(
            f"{total['click_through']['low']:.1%} to {total['click_through']['high']:.1%}, {total['clicks']:,} clicks"
        )
        expect(page.locator(".stat", has_text="Revenue").first).to_contain_text(f"{total['revenue']:,.2f}")
        answer = card(page, "Which is better")
        answer.get_by_label("Compared").select_option(NEW)
        answer.get_by_label("Against").select_option(OLD)
        expect(answer.get_by_role("listitem").first).to_contain_text("Better")
        [compared] = outcomes["comparisons"]
        assert compared["low"] > 0
        expect(answer).to_contain_text(
            f"Nov 20 · 0002 gets {compared['low'] * 1000:.0f} to {compared['high'] * 1000:.0f} more clicks "
            "per 1,000 items shown than Nov 10 · 0001"
        )
        analyst.photograph("outcomes")

    def test_days_and_scenarios_add_up(self, analyst: Visitor) -> None:
        page = analyst.open("/outcomes")
        page.get_by_role("group", name="Measure").get_by_role("button", name="Items shown").click()
        chart = card(page, "Items shown by day")
        chart.get_by_text("Show as table").click()
        days = chart.get_by_role("row").filter(has_text=re.compile(r"\d{4}-\d\d-\d\d"))
        expect(days).to_have_count(14)
        shown = [sum(int(cell) for cell in row.get_by_role("cell").all_inner_texts()) for row in days.all()]
        assert shown == [USERS * SHOWN] * DAYS + [0] * (14 - DAYS)  # today first

        page.get_by_role("button", name="By scenario").click()

        table = page.get_by_role("table", name="Outcomes")
        expect(table.get_by_role("row")).to_have_count(3)
        expect(table.get_by_role("row", name="home")).to_contain_text(
            f"{sum(n % 3 > 0 for n in range(USERS)) * DAYS * SHOWN:,}"
        )
        answer = card(page, "Which is better")
        expect(answer).to_contain_text("shown in different places")
        undecided = (
            "No clear difference in purchases: no scenario gets between [0-9.]+ fewer and [0-9.]+ more per 1,000 items"
        )
        expect(answer).to_contain_text(re.compile(undecided))
        expect(answer).to_contain_text(re.compile("More data is needed: .* (more|fewer) purchases per 1,000 items"))
        page.get_by_label("Period").select_option("7 days")
        expect(page.locator(".stat", has_text="Items shown")).to_contain_text(f"{USERS * 7 * SHOWN:,} impressions")
        page.get_by_label("up to").fill((NOW - timedelta(days=8)).date().isoformat())
        page.keyboard.press("Tab")
        expect(page.locator(".stat", has_text="Items shown")).to_contain_text(f"{USERS * 2 * SHOWN:,} impressions")

    def test_models_compares_live_versions_too(self, analyst: Visitor) -> None:
        page = analyst.open("/models")
        answer = card(page, "Which version is better")

        expect(answer).to_contain_text("Nov 20 · 0002 gets")
        expect(answer).to_contain_text("which did not measure intervals: train again")
        expect(page.get_by_role("table", name="Versions").get_by_role("row", name="0002")).to_contain_text("better")
        analyst.photograph("models-live")

    def test_without_impressions_it_explains_how_to_send_them(self, newcomer: Visitor) -> None:
        page = newcomer.open("/outcomes")

        expect(page.get_by_role("heading", name="No outcomes yet")).to_be_visible()
        expect(page.get_by_role("main")).to_contain_text("serendip.impressions")
        page.get_by_role("button", name="From a server").click()
        expect(page.get_by_role("main")).to_contain_text('"event_type": "impression"')
        newcomer.photograph("outcomes-empty")

        def with_purchase(route: Route) -> None:
            outcomes = route.fetch().json()
            outcomes["total"]["conversions"] = 1
            route.fulfill(json=outcomes)

        page.route("**/v1/outcomes?*", with_purchase)
        page.reload()
        expect(page.get_by_role("main")).to_contain_text("1 purchase named the list that showed the item")
        expect(page.get_by_role("main")).to_contain_text("serendip.impressions")
