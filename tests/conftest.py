"""One DynamoDB Local in memory for all tests; each test has a project of its own."""

from collections.abc import Iterator
from itertools import count

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.api.application import create_application
from app.config import Settings
from app.entry import dynamodb_local
from app.entry.dynamodb_local import Emulator
from app.storage import schema
from app.wiring import Wired
from tests.build import SECRET, DirectLauncher, wired_on
from tests.data import ROOT

_numbers = count(1)


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    running = dynamodb_local.start(ROOT / ".serendip", None)
    yield running
    running.stop()


@pytest.fixture
def settings(emulator: Emulator) -> Settings:
    return Settings(
        secret=SECRET,
        endpoint=emulator.endpoint,
        project=f"test{next(_numbers)}",
        pointer_ttl_seconds=60,
        item_ttl_seconds=60,
    )


@pytest.fixture
def wired(settings: Settings) -> Iterator[Wired]:
    wired = wired_on(settings)
    schema.create_missing(wired.database)
    launcher = wired.services.launcher
    assert isinstance(launcher, DirectLauncher)
    launcher.train = wired.services.train
    yield wired
    wired.database.close()


@pytest.fixture
def client(wired: Wired) -> Iterator[httpx2.Client]:
    with TestClient(create_application(wired.services), raise_server_exceptions=False) as client:
        yield client
