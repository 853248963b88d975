"""Builders with defaults, and fakes to wire in."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Thread
from time import monotonic, sleep
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import FastAPI
from fastapi.dependencies import models
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.api.application import create_application
from app.clock import SYSTEM_CLOCK, Clock
from app.config import Settings
from app.domain.access import Limits, Scope
from app.domain.events import Event
from app.domain.items import Item
from app.domain.jobs import Job
from app.entry import oidc_client
from app.entry.jobs import worker
from app.errors import Exists, Unavailable
from app.services.access.issuer_keys import Fetch
from app.services.bundle import Services
from app.storage.admin import migration
from app.storage.database import Database
from app.wiring import Wired, wire

SECRET = SecretStr("tests only: not a secret at all!!")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class DirectLauncher:
    """Runs jobs at once, in the caller's thread."""

    services: Services | None = None

    def launch(self, project: str, job: Job) -> None:
        assert self.services is not None
        worker.work(self.services, project, job.job_id)


class ThreadLauncher(DirectLauncher):
    """Runs each job in a thread of its own, so that the launching request responds at once."""

    def launch(self, project: str, job: Job) -> None:
        Thread(target=super().launch, args=(project, job), daemon=True).start()


class IdleLauncher:
    """Starts nothing: the test runs the jobs."""

    def launch(self, project: str, job: Job) -> None: ...


def wired_on(settings: Settings, fetch: Fetch = oidc_client.fetch, clock: Clock = SYSTEM_CLOCK) -> Wired:
    launcher = DirectLauncher()
    wired = wire(settings, launcher, fetch, clock=clock)
    launcher.services = wired.services
    return wired


def idle_on(settings: Settings) -> Wired:
    """Wires without starting jobs."""
    return wire(settings, IdleLauncher(), oidc_client.fetch)


def a_project(wired: Wired, project: str) -> str:
    """Creates the project and, in an empty database, the tables, unless they exist; returns a new admin key."""
    with suppress(Exists):
        try:
            wired.services.projects.create(project, None, Limits())
        except Unavailable:
            migration.migrate(wired.database)
            wired.services.projects.create(project, None, Limits())
    return a_key(wired, project, Scope.ADMIN)


def a_key(wired: Wired, project: str, *scopes: Scope, **more: Any) -> str:
    _, text = wired.services.keys.create(project, "test", frozenset(scopes), **more)
    return text


def an_event(
    user_id: str = "ann", item_id: str = "tea", event_type: str = "view", minutes: float = 0, value: float | None = None
) -> Event:
    timestamp = NOON + timedelta(minutes=minutes)
    return Event(user_id, item_id, event_type, timestamp, f"{item_id}-{event_type}", value)


def an_item(item_id: str = "tea", *categories: str, **properties: object) -> Item:
    return Item(item_id, item_id.title(), categories, properties)


def two_tastes(users: int = 40, items: int = 12, seed: int = 1) -> list[Event]:
    """Even users view most even items, odd users most odd items, in random order."""
    random = Random(seed)
    events = []
    for user in range(users):
        liked = random.sample(range(user % 2, items, 2), items // 2 - 2)
        events += [an_event(f"u{user}", f"i{item}", "view", minute) for minute, item in enumerate(liked)]
    return events


def client_of(wired: Wired, key: str | None = None) -> TestClient:
    """A client of the application in this process, with a key."""
    headers = {"X-API-Key": key} if key else {}
    application = _applications.get(wired.database)
    if application is None:
        application = _applications[wired.database] = create_application(wired.services)
    return TestClient(application, raise_server_exceptions=False, headers=headers)


_applications: WeakKeyDictionary[Database, FastAPI] = WeakKeyDictionary()
"""One application for all clients of a database, because creating one is slow."""


def forget_applications() -> None:
    """Frees the applications of a test.

    FastAPI caches functions of every application for good, which keeps 13 MB of each alive,
    and offers no public way to clear the caches.
    """
    _applications.clear()
    for cached in (
        models._is_gen_callable_cached,  # noqa: SLF001
        models._is_async_gen_callable_cached,  # noqa: SLF001
        models._is_coroutine_callable_cached,  # noqa: SLF001
    ):
        cached.cache_clear()


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits until the condition holds."""
    ends_at = monotonic() + seconds
    while not holds():
        assert monotonic() < ends_at, "the condition still does not hold"
        sleep(0.02)
