"""Home: the state of a project, moving with its events, and the first steps of an empty one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request, Route, expect

from tests.console.conftest import Shop
from tests.console.visitor import Visitor, card, visiting
from tests.support.builders import until
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium
BECOME = """state => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
EVENTS = """user_id,item_id,event_type,timestamp
ann,tea,view,2026-11-01T10:00:00Z
ann,cup,view,2026-11-01T10:05:00Z
bob,tea,view,2026-11-01T10:00:00Z
bob,pot,purchase,2026-11-02T10:00:00Z
eve,cup,wish for,2026-11-02T10:00:00Z
"""


@pytest.fixture
def loader(chromium: Browser, shop: Shop) -> Iterator[Visitor]:
    """Signed in to a project without data that no other test uses."""
    with visiting(chromium, shop.base, shop.new_project("first-steps")) as visitor:
        yield visitor


class TestHome:
    def test_it_shows_the_state_of_the_project(self, visitor: Visitor) -> None:
        checks: list[Route] = []
        visitor.page.route("**/health/ready", lambda route: checks.append(route))  # noqa: PLW0108 - Playwright marks it
        page = visitor.open()
        service = page.locator(".stat", has=page.get_by_text("Service", exact=True))
        expect(service).to_have_text("Service…checking")
        until(lambda: page.evaluate("true") and len(checks) > 0)
        checks[0].continue_()

        expect(service).to_have_text("ServiceReadydatabase and tables respond")
        model = card(page, "Active model")
        expect(model).to_contain_text("NDCG@20")
        expect(model).to_contain_text("popular 0.")
        expect(page.get_by_role("img", name="Estimated US dollars by day").locator("canvas")).to_be_visible()
        expect(page.get_by_role("heading", name="Trending now")).to_be_visible()

    def test_events_of_others_move_it(self, visitor: Visitor, shop: Shop) -> None:
        page = visitor.open()
        expect(page.get_by_text("0 in the last minute", exact=True)).to_be_visible()
        events = [{"user_id": f"home{n}", "item_id": "sku-003", "event_type": "view"} for n in range(12)]

        shop.api.post("/v1/events", json={"events": events})

        expect(page.get_by_text("so far, still counting")).to_be_visible(timeout=30_000)
        expect(page.get_by_text("12 in the last minute", exact=True)).to_be_visible(timeout=30_000)
        visitor.photograph("home")

    def test_an_idle_page_costs_little(self, visitor: Visitor) -> None:
        page, sent, ended = visitor.page, list[Request](), list[Request]()
        page.on("request", lambda request: sent.append(request))  # noqa: PLW0108 - Playwright marks it
        page.on("requestfinished", lambda request: ended.append(request))  # noqa: PLW0108
        page.on("requestfailed", lambda request: ended.append(request))  # noqa: PLW0108

        def sent_in(minutes: float) -> int:
            before = len(sent)
            for _ in range(max(1, int(minutes * 3))):
                page.clock.run_for(min(20_000, int(minutes * 60_000)))
                until(lambda: page.evaluate("true") and len(ended) == len(sent))
            return len(sent) - before

        page.clock.install()
        visitor.open()
        expect(page.get_by_text("database and tables respond")).to_be_visible()
        sent_in(minutes=6)
        assert 0 < sent_in(minutes=4) <= 25
        until(lambda: sent_in(minutes=0.01) == 0)  # a request follows its timer in the next frame
        page.evaluate(BECOME, "hidden")
        assert sent_in(minutes=3) == 0
        page.evaluate(BECOME, "visible")
        assert sent_in(minutes=1) > 5

    def test_an_empty_project_gets_to_its_first_list(self, loader: Visitor, tmp_path: Path) -> None:
        (tmp_path / "events.csv").write_text(EVENTS)
        (tmp_path / "nothing.csv").write_text("nothing,here\n1,2\n")
        page = loader.open()
        loader.photograph("home-empty")
        page.get_by_label("Drop a file here").set_input_files(tmp_path / "nothing.csv")
        expect(page.get_by_role("alert")).to_contain_text("Name the column, for example", timeout=30_000)
        expect(page.get_by_role("alert")).not_to_contain_text("{")
        page.get_by_label("Drop a file here").set_input_files(tmp_path / "events.csv")

        expect(page.get_by_text("Loaded 5 events from 5 rows.")).to_be_visible(timeout=30_000)
        page.get_by_label("User").fill("zoe")
        page.get_by_label("Item").fill("tea")
        page.get_by_role("button", name="Send event").click()
        expect(page.locator("article").first).to_be_visible()
        loader.photograph("home-first-steps")

    def test_a_key_that_only_reads_lists_sees_what_is_trending(self, chromium: Browser, shop: Shop) -> None:
        with visiting(chromium, shop.base, shop.new_key("recommend")) as reader:
            page = reader.open()

            expect(page.get_by_role("heading", name="Trending now")).to_be_visible()
            expect(page.get_by_role("main")).to_contain_text("may not see the state of the project")
