"""Requests that need the same value at the same time."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest

from app.errors import DeadlineExceeded, Unavailable
from app.services.stale_cache import StaleCache
from tests.support.fake_clock import FakeClock

READERS = 8
TTL_SECONDS = 60.0


class Store:
    """A store whose first read waits until the test lets it end."""

    def __init__(self) -> None:
        self.reads = 0
        self.outcomes: list[str | Exception] = []
        self.has_begun, self.may_end = Event(), Event()

    def read(self, name: str) -> str | None:
        self.reads += 1
        outcome = self.outcomes.pop(0) if self.outcomes else f"{name} of read {self.reads}"
        if self.reads == 1:
            self.has_begun.set()
            assert self.may_end.wait(60)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def cache(store: Store) -> StaleCache[str]:
    return StaleCache(store.read, TTL_SECONDS, FakeClock())


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(READERS) as threads:
        yield threads


def reading(threads: ThreadPoolExecutor, cache: StaleCache[str], store: Store) -> "list[Future[str | None]]":
    """Several threads that ask for a value which the first of them reads."""
    first = threads.submit(cache.get, "a")
    assert store.has_begun.wait(60)
    return [first, *(threads.submit(cache.get, "a") for _ in range(READERS - 1))]


class TestSharedReads:
    def test_a_value_that_is_being_read_is_not_read_again(
        self, cache: StaleCache[str], store: Store, threads: ThreadPoolExecutor
    ) -> None:
        readers = reading(threads, cache, store)
        store.may_end.set()

        assert [each.result() for each in readers] == ["a of read 1"] * READERS
        assert (store.reads, cache.knows("a")) == (1, True)

    def test_another_value_is_read_meanwhile(
        self, cache: StaleCache[str], store: Store, threads: ThreadPoolExecutor
    ) -> None:
        readers = reading(threads, cache, store)

        assert cache.get("b") == "b of read 2"
        store.may_end.set()
        assert readers[0].result() == "a of read 1"

    def test_an_outage_gives_the_last_value_to_all(self, store: Store, threads: ThreadPoolExecutor) -> None:
        clock = FakeClock()
        cache = StaleCache(store.read, TTL_SECONDS, clock)
        cache.put("a", "older")
        clock.advance(TTL_SECONDS + 1)
        store.outcomes = [Unavailable("gone")] * READERS
        readers = reading(threads, cache, store)
        store.may_end.set()

        assert [each.result() for each in readers] == ["older"] * READERS
        assert not cache.knows("a")

    def test_an_outage_without_a_last_value_fails_for_all_and_is_not_kept(
        self, cache: StaleCache[str], store: Store, threads: ThreadPoolExecutor
    ) -> None:
        store.outcomes = [Unavailable("gone")] * READERS
        readers = reading(threads, cache, store)
        store.may_end.set()

        assert all(isinstance(each.exception(), Unavailable) for each in readers)
        store.outcomes.clear()
        assert cache.get("a") == f"a of read {store.reads}"

    def test_the_deadline_of_one_request_is_not_that_of_the_others(
        self, cache: StaleCache[str], store: Store, threads: ThreadPoolExecutor
    ) -> None:
        store.outcomes = [DeadlineExceeded("out of time")]
        first, *others = reading(threads, cache, store)
        store.may_end.set()

        assert isinstance(first.exception(), DeadlineExceeded)
        assert [each.result() for each in others] == ["a of read 2"] * len(others)

    def test_what_is_forgotten_while_it_is_read_is_not_kept(
        self, cache: StaleCache[str], store: Store, threads: ThreadPoolExecutor
    ) -> None:
        first, *_ = reading(threads, cache, store)
        cache.forget("a")

        assert cache.get("a") == "a of read 2"
        store.may_end.set()
        assert first.result() == "a of read 1"
        assert cache.get("a") == "a of read 2"
