"""Every page in both widths and both themes, over the sample and over real films."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from app.domain.events import Event, derived_event_id
from tests.console.conftest import Shop
from tests.console.visitor import EVERY, OPPOSITE, Look, Visitor, visiting
from tests.support import datasets
from tests.support.builders import a_project, until, wired_on
from tests.support.chromium import needs_chromium

pytestmark = needs_chromium
FILMS, RATINGS = "films", 2_000
LEAST_PAGES = 15
SCENARIO = "pictures"


def photograph_all(visitor: Visitor, data: str, user: str, item: str, looks: Sequence[Look]) -> None:
    """Photographs all pages of the navigation, and those of a user, an item and a scenario."""
    names = []
    for title in visitor.every_page():
        names.append(f"{data}-{title.lower().replace(' ', '-')}")
        visitor.photograph(names[-1], looks)
    assert len(names) >= LEAST_PAGES
    records = {
        "view-of-a-user": f"/view?user={user}",
        "catalog-item": f"/catalog/{item}",
        "users-user": f"/users/{user}",
        "scenarios-scenario": f"/scenarios/{SCENARIO}",
    }
    for name, path in records.items():
        visitor.open(path)
        expect(visitor.page.locator(".loading")).to_have_count(0)
        visitor.photograph(f"{data}-{name}", looks)


def load_films(shop: Shop) -> tuple[str, str, str]:
    """Trains on MovieTweetings' newest ratings; returns an admin key, the busiest user and the most rated film."""
    wired, catalog, ratings = wired_on(shop.settings), datasets.films(), datasets.newest_ratings(RATINGS)
    services, key = wired.services, a_project(wired, FILMS)
    films = Counter(film for _, film, _, _ in ratings)
    services.items.put_many(FILMS, [catalog[film] for film in films if film in catalog])
    events = [
        Event(
            user, film, "rating", datetime.fromtimestamp(at, UTC), derived_event_id(user, film, "rating", value), value
        )
        for user, film, value, at in ratings
    ]
    services.events.accept(FILMS, events)
    services.train.run(FILMS, services.train.queue(FILMS))
    wired.close()
    [(user, _)] = Counter(user for user, _, _, _ in ratings).most_common(1)
    [(film, _)] = films.most_common(1)
    with shop.client(key) as api:
        until(lambda: bool(api.get("/v1/lists/popular").json()["items"]))  # the server has seen the new version
    return key, user, film


class TestEveryPage:
    def test_over_the_sample(self, visitor: Visitor) -> None:
        visitor.expected = ["404"]  # the scenario is not stored
        photograph_all(visitor, "sample", "user-003", "sku-003", EVERY)

    def test_over_films(self, chromium: Browser, shop: Shop) -> None:
        if not datasets.MOVIETWEETINGS.exists():
            pytest.skip(f"there is no {datasets.MOVIETWEETINGS} (set SERENDIP_DATA)")
        key, user, film = load_films(shop)
        with visiting(chromium, shop.base, key) as visitor:
            visitor.expected = ["404"]  # the scenario is not stored
            photograph_all(visitor, "films", user, film, OPPOSITE)
