"""A server and a gateway for the clients."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx2
import pytest

from app.config import Settings
from app.domain.access import ADMINISTRATION
from app.entry.local.dynamodb import Emulator
from app.wiring import Wired
from tests.support.builders import SECRET, a_project, idle_on, until
from tests.support.chromium import browser
from tests.support.lambda_bridge import bridged
from tests.support.operations import furnish
from tests.support.server_process import running

__all__ = ["browser"]
_numbers = count(1)


@dataclass
class Place:
    """Where the API is served."""

    base: str
    wired: Wired

    def key(self) -> str:
        """Creates an empty project; returns an admin key of it."""
        return a_project(self.wired, f"clients{next(_numbers)}")

    def furnished(self) -> tuple[str, str, dict[str, str]]:
        """Creates a project for the requests of CALLS; returns an admin key, an administrator's, and names."""
        project = f"clients{next(_numbers)}"
        key = a_project(self.wired, project)
        names = furnish(self.wired, project, key)
        with httpx2.Client(base_url=self.base, headers={"X-API-Key": key}, timeout=60) as client:
            list_ = "/v1/users/u1/recommendations"
            until(lambda: client.get(list_).json().get("model_version") is not None)  # it may have cached that none is
        return a_project(self.wired, project), a_project(self.wired, ADMINISTRATION), names


@pytest.fixture(scope="module")
def wiring(spare_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    """Tables of their own, whose stream has no other events."""
    files = str(tmp_path_factory.mktemp("files"))
    wired = idle_on(
        Settings(
            secret=SECRET,
            endpoint=spare_emulator.endpoint,
            files=files,
            table_prefix="clients-",
            read_timeout_seconds=10,
        )
    )
    a_project(wired, "clients")
    yield wired
    wired.close()


@pytest.fixture(scope="module")
def server(wiring: Wired) -> Iterator[Place]:
    with running(wiring.services.settings, "clients") as process:
        yield Place(process.base, wiring)


@pytest.fixture(scope="module")
def gateway(wiring: Wired) -> Iterator[Place]:
    with bridged(wiring.services.settings, "clients") as base:
        yield Place(base, wiring)


def example(readme: Path, language: str) -> str:
    """Returns the first example of a README."""
    code = re.search(rf"```{language}\n(.*?)```", readme.read_text(), re.DOTALL)
    assert code is not None
    return code[1]
