"""How often readiness asks the database."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event, Thread
from time import sleep

import pytest
from fastapi.testclient import TestClient

from app.api.application import create_application
from app.errors import Unavailable
from app.services.readiness import CHECKED_SECONDS, STALE_SECONDS, Readiness
from app.wiring import Wired
from tests.support.builders import until
from tests.support.fake_clock import FakeClock


class Tables:
    """A database that counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.names: list[str] = []
        self.error: Unavailable | None = None
        self.responds = Event()
        self.responds.set()

    def missing(self) -> list[str]:
        self.calls += 1
        self.responds.wait()
        if self.error is not None:
            raise self.error
        return self.names


def asked(readiness: Readiness) -> None:
    """Asks as the route does."""
    if readiness.is_due:
        readiness.check()
    readiness.require()


def test_a_check_counts_for_seconds_whatever_it_found() -> None:
    tables, clock = Tables(), FakeClock()
    readiness = Readiness(tables.missing, clock)
    for _ in range(10):
        asked(readiness)
    calls = tables.calls

    tables.error = Unavailable("The database cannot be reached.")
    asked(readiness)
    clock.advance(seconds=CHECKED_SECONDS)
    for _ in range(10):
        with pytest.raises(Unavailable, match="cannot be reached"):
            asked(readiness)

    assert (calls, tables.calls) == (1, 2)


def test_missing_tables_are_named() -> None:
    tables = Tables()
    tables.names = ["serendip-items"]

    with pytest.raises(Unavailable, match="serendip-items"):
        asked(Readiness(tables.missing, FakeClock()))


def test_others_get_the_last_result_while_a_check_hangs_until_it_is_stale() -> None:
    tables, clock = Tables(), FakeClock()
    readiness = Readiness(tables.missing, clock)
    asked(readiness)
    clock.advance(seconds=CHECKED_SECONDS)
    tables.responds.clear()
    hanging = Thread(target=readiness.check)
    hanging.start()
    while tables.calls < 2:
        pass

    asked(readiness)
    clock.advance(seconds=STALE_SECONDS)
    with pytest.raises(Unavailable, match="has not responded for seconds"):
        asked(readiness)
    tables.responds.set()
    hanging.join()

    assert tables.calls == 2


@pytest.mark.parametrize("idle_seconds", [None, 10 * STALE_SECONDS])
def test_requests_wait_for_a_check_that_has_begun_if_there_is_no_recent_result(
    wired: Wired, idle_seconds: float | None
) -> None:
    tables, clock = Tables(), FakeClock()
    readiness = Readiness(tables.missing, clock)
    if idle_seconds is not None:
        asked(readiness)
        clock.advance(seconds=idle_seconds)
    calls = tables.calls
    tables.responds.clear()
    with (
        TestClient(create_application(replace(wired.services, readiness=readiness))) as client,
        ThreadPoolExecutor(2) as threads,
    ):
        first = threads.submit(client.get, "/health/ready")
        until(lambda: tables.calls > calls)
        second = threads.submit(client.get, "/health/ready")
        sleep(0.2)
        tables.responds.set()

        assert [first.result().status_code, second.result().status_code] == [200, 200]
    assert tables.calls == calls + 1
