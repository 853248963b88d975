"""The same pages as API Gateway and Lambda send them."""

import asyncio
from collections.abc import Iterator
from threading import Lock
from typing import Any

import pytest
from mangum import Mangum
from playwright.sync_api import Browser, Response, expect

from app.api.application import create_application
from app.entry.aws.dispatch import TEXT_TYPES
from tests.console.conftest import Shop
from tests.console.visitor import visiting
from tests.support.builders import wired_on
from tests.support.chromium import needs_chromium
from tests.support.http_servers import served_by
from tests.support.lambda_bridge import gateway


@pytest.fixture(scope="module")
def lambda_base(shop: Shop) -> Iterator[str]:
    """The address of the application as an instance of a function, which handles one request at a time."""
    wired, lock, loop = wired_on(shop.settings), Lock(), asyncio.new_event_loop()
    application = create_application(wired.services)

    def handler(event: Any, context: Any) -> Any:
        with lock:
            asyncio.set_event_loop(loop)  # otherwise Mangum makes one that nobody closes
            return Mangum(application, lifespan="off", text_mime_types=TEXT_TYPES)(event, context)

    with served_by(gateway(handler)) as base:
        yield base
    wired.close()
    loop.close()


LEAST_PAGES = 15
SMALL_BYTES = 1_000
"""Smaller assets are not compressed (`SMALLEST_BYTES` of vite.config.ts)."""
SIZES = """
performance.getEntriesByType("resource").filter(({name}) => name.includes("/assets/")).map(entry => entry.transferSize)
"""


@needs_chromium
class TestLambda:
    def test_pages_work_with_compressed_assets_which_are_sent_once(
        self, chromium: Browser, shop: Shop, lambda_base: str
    ) -> None:
        encodings: dict[str, str | None] = {}

        def note(response: Response) -> None:
            encoding = response.headers.get("content-encoding")
            is_small = encoding is None and int(response.headers["content-length"]) < SMALL_BYTES
            if response.url.endswith((".js", ".css")) and not is_small:
                encodings[response.url] = encoding

        with visiting(chromium, lambda_base, shop.key) as visitor:
            visitor.page.on("response", note)
            page = visitor.open()
            expect(page.get_by_role("img", name="Estimated US dollars by day").locator("canvas")).to_be_visible()
            first = page.evaluate(SIZES)
            page.reload()
            expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()
            again = page.evaluate(SIZES)

        assert len(encodings) >= 5
        assert set(encodings.values()) == {"br"}
        assert sum(first) > 20_000
        assert set(again) == {0}

    def test_every_page_works(self, chromium: Browser, shop: Shop, lambda_base: str) -> None:
        with visiting(chromium, lambda_base, shop.key) as visitor:
            visitor.expected = ["WebSocket"]  # in AWS, sockets have an address of their own
            alerts = {title: visitor.page.get_by_role("alert").all_inner_texts() for title in visitor.every_page()}

        assert alerts == {title: [] for title in alerts}
        assert len(alerts) >= LEAST_PAGES
