"""Sums of a project's counters over hours and days."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.config import Settings
from app.domain.access import Limits
from app.domain.events import Event
from app.entry.stream import Consumer
from app.recommender.counts import FINE_SECONDS, floor
from app.services.counters.rollups import HOUR, Rollups
from app.storage.counters import CounterRow, CounterStore
from app.wiring import Wired
from tests.support.builders import wired_on
from tests.support.calls import surround
from tests.support.fake_clock import FakeClock
from tests.support.stream_records import NoSockets, a_record

DAYS = 5


class Shop:
    def __init__(self, wired: Wired, clock: FakeClock) -> None:
        self.wired, self.clock = wired, clock
        self.project = wired.services.settings.project
        self._rollups = Rollups(CounterStore(wired.database), clock)

    def use(self, item_id: str, at: datetime) -> None:
        record = a_record(self.project, Event(f"user of {item_id}", item_id, "view", at, item_id), arrived=at)
        assert Consumer(self.wired.services, NoSockets()).apply([record]) is None

    def used(self, *touched: datetime) -> set[str]:
        times = {floor(int(time.timestamp()), FINE_SECONDS) for time in touched}
        total, _ = self._rollups.of(self.project, DAYS, times)
        return {name for _, name in total if name.startswith("i")}


@pytest.fixture
def shop(settings: Settings) -> Iterator[Shop]:
    wired = wired_on(settings, clock=(clock := FakeClock()))
    wired.services.projects.create(settings.project, None, Limits())
    yield Shop(wired, clock)
    wired.close()


def test_rows_of_past_hours_and_days_are_read_once_an_hour(shop: Shop) -> None:
    now, queries = shop.clock.now(), list[str]()
    for hours in (50, 5, 0):
        shop.use(f"i{hours}", now - timedelta(hours=hours))
    assert shop.used(now) == {"i0", "i5", "i50"}

    def counted(operation: str, request: dict[str, Any], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if operation == "Query" and request["TableName"].endswith(CounterRow.Meta.table_name):
            queries.append(operation)
        return call()

    surround(shop.wired.database, counted)
    assert shop.used() == {"i0", "i5", "i50"}
    assert len(queries) == 1  # the fine rows of the last hours
    shop.clock.advance(HOUR + 1)
    assert shop.used() == {"i0", "i5", "i50"}

    assert len(queries) >= 4


def test_what_the_stream_delivers_hours_late_is_summed_up_again(shop: Shop) -> None:
    now, late = shop.clock.now(), shop.clock.now() - timedelta(hours=50)
    shop.use("i1", now)
    assert shop.used(now) == {"i1"}

    shop.use("i2", late)

    assert shop.used(late) == {"i1", "i2"}
    shop.clock.advance(2 * HOUR)
    assert shop.used() == {"i1", "i2"}
