"""One deployment for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.support.cloud import AT, Cloud, emulated
from tests.support.deployment_checks import FULL

STAGES = [("one", "api"), ("three", "api"), ("one", "url")]


@pytest.fixture(scope="module", params=STAGES if FULL else STAGES[:1], ids="-".join)
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A stage with one function and the HTTP API; in `make deploy-check` also one with three, and one with a URL."""
    with emulated(tmp_path_factory.mktemp("cloud"), *request.param) as cloud:
        cloud.deploy()
        yield cloud


@pytest.fixture(scope="module")
def admin(cloud: Cloud) -> str:
    """The first admin key, created like `make admin-key` does."""
    assert cloud.outputs
    created = cloud.run("keys", "create", "root", "--scope", "admin", "--administration")
    assert created.returncode == 0, created.stderr
    return created.stdout.split()[-1]


@pytest.fixture(scope="module")
def shop_key(cloud: Cloud, admin: str) -> str:
    """A key of the project `shop`, which has items and events."""
    with cloud.client(admin) as client:
        key: str = client.post("/v1/projects", json={"project_id": "shop"}).raise_for_status().json()["key"]["key"]
    with cloud.client(key) as client:
        items = [{"item_id": f"i{n}", "categories": ["odd" if n % 2 else "even"]} for n in range(12)]
        client.post("/v1/items:batch", json={"items": items}).raise_for_status()
        events = [
            {"user_id": f"u{user}", "item_id": f"i{item}", "event_type": "view", "timestamp": AT}
            for user in range(20)
            for item in range(user % 2, 12, 2)
            if (user + item) % 5
        ]
        client.post("/v1/events", json={"events": events}).raise_for_status()
    return key
