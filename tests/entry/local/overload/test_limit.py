"""The limit of requests in progress."""

from app.entry.local.overload.limit import REMEASURED, WINDOW, GradientLimit

FAST, SLOW = 0.01, 0.1


def measured(limit: GradientLimit, seconds: float, times: int = 1, *, is_crowded: bool = True) -> int:
    """Reports latencies for some measurements, and returns the limit."""
    for _ in range(times * WINDOW):
        limit.observe(seconds, is_crowded=is_crowded)
    return limit.limit


def test_grows_while_latency_does_not_and_requests_wait() -> None:
    limit = GradientLimit(3, 32)

    assert measured(limit, FAST) == 3
    assert measured(limit, FAST, 80) == 32


def test_does_not_grow_while_no_request_waits() -> None:
    limit = GradientLimit(3, 32)

    assert measured(limit, FAST, 80, is_crowded=False) == 3


def test_falls_when_latency_grows_and_recovers() -> None:
    limit = GradientLimit(3, 32)
    before = measured(limit, FAST, 80)

    overloaded = measured(limit, SLOW, 15)
    after = measured(limit, FAST, 80)

    assert overloaded < before / 3
    assert after == before


def test_is_at_the_least_when_latency_is_hopeless() -> None:
    limit = GradientLimit(3, 32)
    measured(limit, FAST, 80)

    assert measured(limit, 1_000 * SLOW, 20) == 3


def test_a_few_slow_requests_do_not_move_it() -> None:
    limit = GradientLimit(3, 32)
    before = measured(limit, FAST, 80)

    for number in range(WINDOW * 10):
        limit.observe(SLOW * 100 if number % 8 == 0 else FAST, is_crowded=True)

    assert limit.limit == before


def test_a_database_that_stays_slower_becomes_the_new_measure() -> None:
    limit = GradientLimit(3, 32)
    before = measured(limit, FAST, 80)

    slowed = measured(limit, SLOW, 15)
    after = measured(limit, SLOW, 2 * REMEASURED - 30)

    assert slowed < before == after


def test_is_as_low_as_it_gets_while_the_unloaded_latency_is_measured() -> None:
    limit = GradientLimit(3, 32)
    assert measured(limit, FAST, REMEASURED - 1) == 32

    assert measured(limit, FAST) == 3
