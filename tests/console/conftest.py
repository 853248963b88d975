"""One server with a trained sample shop for all tests of the console, and a browser that is signed in."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser

from app import clock
from app.config import Settings
from app.domain.access import ADMINISTRATION, DailyUsage, Scope
from app.entry.local import dynamodb, sample_shop
from app.entry.local.dynamodb import Emulator
from app.storage.usage import UsageStore
from app.wiring import Wired
from infra import console
from tests.console.visitor import Visitor, visiting
from tests.support.builders import SECRET, a_key, a_project, until, wired_on
from tests.support.chromium import launched
from tests.support.datasets import ROOT
from tests.support.server_process import JOBS, running

PREFIX, PROJECT, EMPTY = "console-", "shop", "new-shop"
"""A table prefix of its own: the stream has no other events."""
EVENTS = 2_500


@dataclass(frozen=True)
class Shop:
    """The sample shop, and a project without data, on a running server."""

    base: str
    key: str
    """An admin key of the shop."""
    empty_key: str
    api: httpx2.Client
    """Calls the API with the shop's key."""
    root_key: str
    """A key of the administration."""
    settings: Settings

    def new_project(self, project: str) -> str:
        """Creates an empty project; returns an admin key of it."""
        with self.client(self.root_key) as administrator:
            made = administrator.post("/v1/projects", json={"project_id": project}).raise_for_status()
        return str(made.json()["key"]["key"])

    def new_key(self, scope: str) -> str:
        """Creates a key of the shop for this scope alone."""
        return str(self.api.post("/v1/keys", json={"name": scope, "scopes": [scope]}).raise_for_status().json()["key"])

    def client(self, key: str) -> httpx2.Client:
        """Returns a client that calls the API with a key."""
        return client_of(self.base, key)

    def events_of(self, user: str) -> list[dict[str, Any]]:
        """Returns the newest events of a user of the shop, at most 100."""
        response = self.api.get(f"/v1/users/{user}/events", params={"limit": 100}).raise_for_status()
        events: list[dict[str, Any]] = response.json()["events"]
        return events


@pytest.fixture(scope="package")
def database() -> Iterator[Emulator]:
    running = dynamodb.start(ROOT / ".serendip", None)
    yield running
    running.stop()


@pytest.fixture(scope="package")
def shop(database: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Tests share it: change only what they create."""
    console.build()
    settings = Settings(
        secret=SECRET,
        endpoint=database.endpoint,
        table_prefix=PREFIX,
        project=PROJECT,
        files=str(tmp_path_factory.mktemp("files")),
        read_timeout_seconds=10,
    )
    wired = wired_on(settings)
    key, empty_key = a_project(wired, PROJECT), a_project(wired, EMPTY)
    root_key = a_key(wired, ADMINISTRATION, Scope.ADMIN)
    services, generator = wired.services, random.Random(sample_shop.SEED)
    items, users = sample_shop.items(generator), sample_shop.users(generator)
    events = list(sample_shop.events(generator, items, users, clock.now()))[:EVENTS]
    services.items.put_many(PROJECT, items)
    services.users.put_many(PROJECT, users)
    services.events.accept(PROJECT, events)
    services.train.run(PROJECT, services.train.queue(PROJECT))
    _use(wired, generator)
    wired.close()
    with (
        running(settings, PROJECT, mode=JOBS) as server,
        client_of(server.base, key) as api,
    ):
        recent = [{"user_id": f"u{n % 40}", "item_id": f"sku-{n % 12:03}", "event_type": "view"} for n in range(120)]
        api.post("/v1/events", json={"events": recent}).raise_for_status()
        until(lambda: sum(counts(api)) == len(events) + len(recent))
        yield Shop(server.base, key, empty_key, api, root_key, settings)


def client_of(base: str, key: str) -> httpx2.Client:
    return httpx2.Client(base_url=base, headers={"X-API-Key": key}, timeout=60)


def counts(api: httpx2.Client) -> list[int]:
    """The number of events of each type that the stream has counted; none while a busy database cannot answer."""
    return [event_type["count"] for event_type in api.get("/v1/event-types").json().get("event_types", ())]


def _use(wired: Wired, generator: random.Random) -> None:
    """Records traffic of a month, which no test could cause."""
    usage, today = UsageStore(wired.database), clock.now().date()
    for ago in range(40):
        lists = generator.randint(4_000, 9_000) * (1 + (40 - ago) / 40)
        day = today - timedelta(ago)
        usage.add(PROJECT, DailyUsage(day, lists * 1.3, lists * 0.7, lists, lists * 2.5, lists * 1.4, lists * 9))


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of this folder, which it must not outlive; each test has a context of its own."""
    with launched() as browser:
        yield browser


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
