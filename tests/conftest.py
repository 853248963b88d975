"""DynamoDB Local in memory, which tests share; each has a project of its own."""

import os
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from app.config import Settings
from app.domain.access import Limits, Scope
from app.entry.local import dynamodb
from app.entry.local.dynamodb import Emulator
from app.wiring import Wired
from tests.support import botocore_sessions, permissions
from tests.support.builders import SECRET, a_key, a_project, client_of, forget_applications, wired_on
from tests.support.datasets import ROOT
from tests.support.emulators import Emulators
from tests.support.slow_proxy import Proxy
from tests.support.tables import drop_tables

CONSOLE = "tests/console"
LONGEST = (
    CONSOLE,
    "test_worker.py",
    "test_live_updates.py",
    "test_fuzz.py",
    "test_spark.py",
    "test_deployment.py",
    "test_stream.py",
    "test_trial.py",
    "test_crash.py",
    "test_main.py",
    "test_doctor.py",
    "test_database_file.py",
    "test_rollout.py",
    "test_typescript.py",
    "test_learn.py",
)
"""What takes a process longest, started first so that no other process waits for it at the end."""

_numbers = count(1)

signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell lets what it starts in the background ignore it, servers under test as well."""

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""Before NumPy is loaded: on small matrices, threads that wait for each other took ten times the CPU."""

botocore_sessions.share()
hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the longest first, and the comparison of permissions only in a session after all other tests."""
    others = [item for item in items if item.path.name != permissions.COMPARISON]
    if others:
        comparison = [item for item in items if item.path.name == permissions.COMPARISON]
        config.hook.pytest_deselected(items=comparison)
        items[:] = sorted(others, key=lambda item: place(item.nodeid))


def place(nodeid: str) -> int:
    """Where a test is in the order of `LONGEST`."""
    part = CONSOLE if nodeid.startswith(CONSOLE) else nodeid.partition("::")[0].rpartition("/")[2]
    return LONGEST.index(part) if part in LONGEST else len(LONGEST)


class Scheduling(LoadFileScheduling):  # type: ignore[misc] # published without type information
    """Runs each file in one process, and all files of the console, whose tests share a server and a browser."""

    def _split_scope(self, nodeid: str) -> str:
        return CONSOLE if nodeid.startswith(CONSOLE) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    permissions.keep(session)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Collect the calls that a finished worker process recorded."""
    if not error:
        permissions.hand(node.workeroutput[permissions.KEPT])


@pytest.fixture(autouse=True, scope="session")
def _calls_are_recorded() -> Iterator[None]:
    with permissions.recording():
        yield


@pytest.fixture(autouse=True)
def _applications_end_with_their_test() -> Iterator[None]:
    yield
    forget_applications()


@pytest.fixture(scope="session")
def _emulators() -> Iterator[Emulators]:
    emulators = Emulators(migrates=True)
    yield emulators
    emulators.stop()


@pytest.fixture(scope="session")
def _spare_emulators() -> Iterator[Emulators]:
    emulators = Emulators(migrates=False)
    yield emulators
    emulators.stop()


@pytest.fixture(scope="module")
def emulator(_emulators: Emulators) -> Emulator:
    """The database of all tests, with tables."""
    return _emulators.current()


@pytest.fixture(scope="module")
def spare_emulator(_spare_emulators: Emulators) -> Emulator:
    """A database for tables of a test's or a module's own."""
    return _spare_emulators.current()


def settings_of(emulator: Emulator, folder: Path) -> Settings:
    """Settings for a project of its own."""
    return Settings(
        secret=SECRET,
        endpoint=emulator.endpoint,
        files=str(folder / "files"),
        project=f"test{next(_numbers)}",
        read_timeout_seconds=10,
        request_deadline_seconds=60,
        pointer_ttl_seconds=60,
        item_ttl_seconds=60,
        list_ttl_seconds=60,
        lists_seconds=0,
    )


@pytest.fixture
def settings(emulator: Emulator, tmp_path: Path) -> Settings:
    return settings_of(emulator, tmp_path)


@pytest.fixture(scope="module")
def shared_client(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """A client of a project that the tests of a module share, and only read."""
    settings = settings_of(emulator, tmp_path_factory.mktemp("shared"))
    wired = wired_on(settings)
    with client_of(wired, a_project(wired, settings.project)) as client:
        yield client
    wired.close()


@pytest.fixture
def own(settings: Settings, spare_emulator: Emulator) -> Iterator[Settings]:
    """Tables of the test's own, which it creates: they hold no other projects, their stream no other events."""
    changes = {"endpoint": spare_emulator.endpoint, "table_prefix": f"own{next(_numbers)}-"}
    own = settings.model_copy(update=changes)
    yield own
    deleting = wired_on(own)
    drop_tables(deleting)
    deleting.close()


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[Proxy]:
    """The way to the database: when the test stops it, the database cannot be reached."""
    with Proxy(emulator.port).running() as proxy:
        yield proxy


@pytest.fixture
def own_emulator() -> Iterator[Emulator]:
    """A DynamoDB Local that the test may kill."""
    running = dynamodb.start(ROOT / ".serendip", None)
    yield running
    running.stop(kill=True)


@pytest.fixture
def wired(settings: Settings) -> Iterator[Wired]:
    wired = wired_on(settings)
    wired.services.projects.create(settings.project, None, Limits())
    yield wired
    wired.close()


@pytest.fixture
def key(wired: Wired, settings: Settings) -> str:
    """An admin key of the test's project."""
    return a_key(wired, settings.project, Scope.ADMIN)


@pytest.fixture
def client(wired: Wired, key: str) -> Iterator[httpx2.Client]:
    with client_of(wired, key) as client:
        yield client
