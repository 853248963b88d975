"""The same pages as API Gateway and Lambda send them."""

import asyncio
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
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
from tests.support.payloads import http_api


@pytest.fixture(scope="module")
def gateway(shop: Shop) -> Iterator[str]:
    """Turns requests into events of an HTTP API and results into responses, one at a time as an instance does."""
    wired, lock, loop = wired_on(shop.settings), Lock(), asyncio.new_event_loop()
    application = create_application(wired.services)

    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                asyncio.set_event_loop(loop)  # otherwise Mangum makes one that nobody closes
                handler: Any = Mangum(application, lifespan="off", text_mime_types=TEXT_TYPES)
                result = handler(http_api(("GET", self.path, headers, None)), None)
            content = b64decode(result["body"]) if result["isBase64Encoded"] else result["body"].encode()
            self.send_response(result["statusCode"])
            for name, value in result["headers"].items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None: ...  # noqa: A002 - the library's name

    with served_by(Gateway) as base:
        yield base
    wired.close()
    loop.close()


SMALL_BYTES = 1_000
"""Smaller assets are not compressed (`SMALLEST_BYTES` of vite.config.ts)."""
SIZES = """
performance.getEntriesByType("resource").filter(({name}) => name.includes("/assets/")).map(entry => entry.transferSize)
"""


@needs_chromium
class TestLambda:
    def test_pages_work_with_compressed_assets_which_are_sent_once(
        self, chromium: Browser, shop: Shop, gateway: str
    ) -> None:
        encodings: dict[str, str | None] = {}

        def note(response: Response) -> None:
            encoding = response.headers.get("content-encoding")
            is_small = encoding is None and int(response.headers["content-length"]) < SMALL_BYTES
            if response.url.endswith((".js", ".css")) and not is_small:
                encodings[response.url] = encoding

        with visiting(chromium, gateway, shop.key) as visitor:
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
