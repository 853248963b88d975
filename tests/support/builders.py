"""Builders with defaults, and the twins that tests wire in."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from time import monotonic, sleep
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import FastAPI
from fastapi.dependencies import models
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.api.application import create_application
from app.config import Settings
from app.domain.access import Limits, Scope
from app.domain.events import Event
from app.domain.items import Item
from app.domain.jobs import Job
from app.entry import oidc_client
from app.entry.jobs import worker
from app.errors import Exists, Unavailable
from app.services.access.oidc import Fetch
from app.services.bundle import Services
from app.storage.admin import migration
from app.storage.database import Database
from app.wiring import Wired, wire

SECRET = SecretStr("tests only: not a secret at all!!")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class DirectLauncher:
    """Does jobs at once, in the caller's thread."""

    services: Services | None = None

    def launch(self, project: str, job: Job) -> None:
        assert self.services is not None
        worker.work(self.services, project, job.job_id)


class IdleLauncher:
    """Leaves jobs to others."""

    def launch(self, project: str, job: Job) -> None: ...


def wired_on(settings: Settings, fetch: Fetch = oidc_client.fetch) -> Wired:
    launcher = DirectLauncher()
    wired = wire(settings, launcher, fetch)
    launcher.services = wired.services
    return wired


def idle_on(settings: Settings) -> Wired:
    """Where jobs are left to others."""
    return wire(settings, IdleLauncher(), oidc_client.fetch)


def a_project(wired: Wired, project: str) -> str:
    """Make a project, if there is none yet, and an admin key of it; and the tables, in a database of the test's own."""
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
    moment = NOON + timedelta(minutes=minutes)
    return Event(user_id, item_id, event_type, moment, f"{item_id}-{event_type}", value)


def an_item(item_id: str = "tea", *categories: str, **properties: object) -> Item:
    return Item(item_id, item_id.title(), categories, properties)


def two_tastes(users: int = 40, items: int = 12, seed: int = 1) -> list[Event]:
    """Even users like even items, odd users odd ones; each has most of his kind, in random order."""
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
"""One for all clients of a database, because making one takes its time."""


def forget_applications() -> None:
    """FastAPI remembers functions of every application, and with them all that hangs on it: 13 MB each."""
    _applications.clear()
    for cached in (
        models._is_gen_callable_cached,  # noqa: SLF001
        models._is_async_gen_callable_cached,  # noqa: SLF001
        models._is_coroutine_callable_cached,  # noqa: SLF001
    ):
        cached.cache_clear()


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something comes to hold."""
    ends_at = monotonic() + seconds
    while not holds():
        assert monotonic() < ends_at, "it does not come to hold"
        sleep(0.02)
