"""One server with a trained sample shop for all tests of the console in a process, and a browser that is signed in."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest
from playwright.sync_api import Browser, sync_playwright

from app import clock
from app.config import Settings
from app.entry.local import sample_shop
from app.entry.local.dynamodb import Emulator
from infra import console
from tests.console.visitor import Visitor, visiting
from tests.support.builders import SECRET, a_project, wired_on
from tests.support.chromium import CHROMIUM, QUIET
from tests.support.server_process import JOBS, running

PREFIX, PROJECT, EMPTY = "console-", "shop", "new-shop"
"""A table prefix of its own: the stream has no other events."""
EVENTS = 4_000


@dataclass(frozen=True)
class Shop:
    """The sample shop, and a project without data, on a running server."""

    base: str
    key: str
    """An admin key of the shop."""
    empty_key: str
    api: httpx2.Client
    """Calls the API with the shop's key."""


@pytest.fixture(scope="session")
def shop(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Tests share it: change only what they create."""
    console.build()
    settings = Settings(
        secret=SECRET,
        endpoint=emulator.endpoint,
        table_prefix=PREFIX,
        project=PROJECT,
        files=str(tmp_path_factory.mktemp("files")),
        read_timeout_seconds=10,
    )
    wired = wired_on(settings)
    key, empty_key = a_project(wired, PROJECT), a_project(wired, EMPTY)
    services, generator = wired.services, random.Random(sample_shop.SEED)
    items, users = sample_shop.items(generator), sample_shop.users(generator)
    events = list(sample_shop.events(generator, items, users, clock.now()))[:EVENTS]
    services.items.put_many(PROJECT, items)
    services.users.put_many(PROJECT, users)
    services.events.accept(PROJECT, events)
    services.train.run(PROJECT, services.train.queue(PROJECT))
    wired.close()
    with (
        running(settings, PROJECT, mode=JOBS) as server,
        httpx2.Client(base_url=server.base, headers={"X-API-Key": key}, timeout=60) as api,
    ):
        yield Shop(server.base, key, empty_key, api)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each test has a context of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def stranger(chromium: Browser, shop: Shop) -> Iterator[Visitor]:
    """Not signed in."""
    with visiting(chromium, shop.base, None) as visitor:
        yield visitor


@pytest.fixture
def visitor(chromium: Browser, shop: Shop) -> Iterator[Visitor]:
    """Signed in to the sample shop with an admin key: `visitor.open("/catalog")`."""
    with visiting(chromium, shop.base, shop.key) as visitor:
        yield visitor


@pytest.fixture
def newcomer(chromium: Browser, shop: Shop) -> Iterator[Visitor]:
    """Signed in to a project without data. Tests that add data use a project of their own."""
    with visiting(chromium, shop.base, shop.empty_key) as visitor:
        yield visitor
