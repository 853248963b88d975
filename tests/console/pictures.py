"""Photographs the console for the README and the guides, and every page over real data: `make pictures`.

Not part of the test suite. The pictures of real data are for looking at, in `tests/console/screenshots`.
"""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from app.api.routes.guide import DOCS
from app.domain.events import Event, derived_event_id
from tests.console.conftest import Shop
from tests.console.visitor import Visitor, visiting
from tests.support import datasets
from tests.support.builders import a_project, wired_on
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
FILMS, RATINGS, BATCH = "films", 10_000, 500


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


@pytest.fixture(scope="module")
def films(shop: Shop) -> str:
    """An admin key of a project with the newest ratings of MovieTweetings, and a model of them."""
    if not datasets.MOVIETWEETINGS.exists():
        pytest.skip(f"there is no {datasets.MOVIETWEETINGS} (set SERENDIP_DATA)")
    wired = wired_on(shop.settings)
    services, catalog = wired.services, datasets.films()
    key = a_project(wired, FILMS)
    ratings = sorted(datasets.movietweetings_whole(), key=lambda rating: rating[2])[-RATINGS:]
    for start in range(0, RATINGS, BATCH):
        rated = [
            Event(user, film, "view", datetime.fromtimestamp(at, UTC), derived_event_id(user, film, "view", None))
            for user, film, at in ratings[start : start + BATCH]
        ]
        services.items.put_many(
            FILMS, [catalog[film] for film in {event.item_id for event in rated} if film in catalog]
        )
        services.events.accept(FILMS, rated)
    services.train.run(FILMS, services.train.queue(FILMS))
    wired.close()
    return key


@needs_chromium
def test_photograph_films(chromium: Browser, shop: Shop, films: str) -> None:
    with visiting(chromium, shop.base, films) as visitor:
        page = visitor.page
        for title in visitor.every_page():
            visitor.photograph(f"films-{title.lower().replace(' ', '-')}")
        watched = page.request.get(f"{shop.base}/v1/events?limit=1", headers={"X-API-Key": films}).json()["events"]
        visitor.open(f"/view?user={watched[0]['user_id']}")
        expect(page.locator(".loading")).to_have_count(0)
        visitor.photograph("films-view-of-a-user")
