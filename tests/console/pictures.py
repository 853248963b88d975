"""Photographs the console for the README and the guides: `make pictures`. Not part of the test suite."""

import pytest
from playwright.sync_api import ViewportSize, expect

from app.api.routes.guide import DOCS
from tests.console.conftest import Shop
from tests.console.visitor import Visitor
from tests.support.chromium import needs_chromium

PICTURES = {
    "catalog.png": "/catalog",
    "models.png": "/models",
    "usage.png": "/usage",
    "view.png": "/view?user=user-003",
}
"""The path of the page in each picture."""
SIZE: ViewportSize = {"width": 1280, "height": 800}
SECONDS = 12


@needs_chromium
@pytest.mark.parametrize("name", PICTURES)
def test_photograph(visitor: Visitor, shop: Shop, name: str) -> None:
    visitor.page.set_viewport_size(SIZE)
    page = visitor.open(PICTURES[name])
    for second in range(SECONDS):
        events = [{"user_id": f"p{second}-{n}", "item_id": f"sku-{n:03}"} for n in range(2 + second % 5)]
        shop.api.post("/v1/events", json={"events": events}).raise_for_status()
        page.wait_for_timeout(1_000)
    expect(page.locator(".loading")).to_have_count(0)
    (DOCS / "pictures").mkdir(exist_ok=True)
    page.screenshot(path=DOCS / "pictures" / name)
