"""Calls of the database end with the deadline of their request, not with the timeouts of their attempts."""

import socket
from collections import Counter
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest

from app.config import Settings
from app.deadline import within
from app.errors import Unavailable
from tests.support import faulty_dynamodb
from tests.support.builders import a_project, an_item, wired_on
from tests.support.slow_proxy import Fault, Proxy

READ_TIMEOUT_SECONDS = 20.0


@pytest.fixture
def hanging() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


class TestAttempts:
    def test_a_call_that_hangs_ends_with_the_deadline(self, settings: Settings, hanging: str) -> None:
        changes = {"endpoint": hanging, "read_timeout_seconds": READ_TIMEOUT_SECONDS}
        wired = wired_on(settings.model_copy(update=changes))
        started = monotonic()

        with within(0.5), pytest.raises(Unavailable):
            wired.services.rollout.active(settings.project)

        assert monotonic() - started < READ_TIMEOUT_SECONDS / 2
        wired.database.close()

    @pytest.mark.parametrize(("seconds", "attempts"), [(0.9, 1), (30.0, 3)])
    def test_no_retry_starts_that_could_outlast_the_deadline(
        self, settings: Settings, seconds: float, attempts: int
    ) -> None:
        calls: Counter[str] = Counter()

        def fault(operation: str, _request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            calls[operation] += 1
            return faulty_dynamodb.throttled()

        with faulty_dynamodb.proxy(str(settings.endpoint), fault) as endpoint:
            wired = wired_on(settings.model_copy(update={"endpoint": endpoint}))
            with within(seconds), pytest.raises(Unavailable):
                wired.services.rollout.active(settings.project)
            wired.database.close()

        assert set(calls.values()) == {attempts}


class TestResponses:
    @pytest.mark.parametrize("fault", [Fault.CUTS, Fault.DRIPS])
    def test_a_response_that_is_cut_or_never_ends_is_no_answer(self, settings: Settings, fault: Fault) -> None:
        wired = wired_on(settings)
        a_project(wired, settings.project)
        wired.services.items.put(settings.project, an_item("tea"))
        proxy = Proxy(int(str(settings.endpoint).rpartition(":")[2]))

        with proxy.running():
            behind = wired_on(settings.model_copy(update={"endpoint": proxy.endpoint}))
            with within(1.0), proxy.failing(fault), pytest.raises(Unavailable):
                behind.services.items.get(settings.project, "tea")
            with within(10.0):
                item = behind.services.items.get(settings.project, "tea")
            behind.database.close()

        assert item.title == "Tea"
        wired.database.close()
