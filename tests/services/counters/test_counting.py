"""Counting the removal of events: what else the user did with the item counts at once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from app.config import Settings
from app.domain.events import Event
from app.entry.stream import Consumer
from app.recommender import counts
from app.recommender.counts import THOUSANDTHS, Counts
from app.storage.table import iso, key
from app.wiring import Wired
from tests.support.faults import failing
from tests.support.stream_records import NoSockets, a_record

NOW = datetime.now(UTC)


class Crash(BaseException):
    """Ends the process at this point."""


class Shop:
    def __init__(self, wired: Wired, project: str) -> None:
        self.wired, self.services, self.project = wired, wired.services, project
        self._consumer = Consumer(wired.services, NoSockets())

    def store(self, events: Sequence[Event]) -> list[dict[str, object]]:
        """Stores events; returns their records, as the stream reports them."""
        self.services.events.accept(self.project, events)
        return [a_record(self.project, event) for event in events]

    def delete(self, events: Sequence[Event]) -> list[dict[str, object]]:
        keys = [(event.user_id, key(iso(event.timestamp), event.event_id)) for event in events]
        self.services.events.delete(self.project, keys)
        return [a_record(self.project, None, event) for event in events]

    def apply(self, records: Sequence[dict[str, object]]) -> None:
        assert self._consumer.apply(records) is None

    def counted(self) -> dict[str, float]:
        total: Counts = self.services.lists.refresh(self.project, ())
        items: dict[str, float] = {}
        for (_, item_id), amount in counts.of_items(total, None).items():
            items[item_id] = items.get(item_id, 0.0) + amount / THOUSANDTHS
        return items


@pytest.fixture
def shop(wired: Wired, settings: Settings) -> Shop:
    return Shop(wired, settings.project)


def views(number: int, item_id: str = "tea", user_id: str = "ann") -> list[Event]:
    return [Event(user_id, item_id, "view", NOW - timedelta(seconds=n), f"e{n}") for n in range(number, 0, -1)]


class TestRemoval:
    def test_the_users_other_events_with_the_item_count_at_once(self, shop: Shop) -> None:
        events = [*views(3), *views(1, "mug")]
        shop.apply(shop.store(events))
        assert shop.counted() == {"tea": 1.0, "mug": 1.0}

        shop.apply(shop.delete(events[:1]))
        assert shop.counted() == {"tea": 1.0, "mug": 1.0}

        shop.apply(shop.delete(events[1:3]))
        assert shop.counted() == {"mug": 1.0}

    def test_a_weaker_event_counts_after_the_strongest_was_removed(self, shop: Shop) -> None:
        view, bought = views(1)[0], Event("ann", "tea", "purchase", NOW - timedelta(minutes=5), "b")
        shop.apply(shop.store([bought]))
        shop.apply(shop.store([view]))
        assert shop.counted() == {"tea": 3.0}

        shop.apply(shop.delete([bought]))

        assert shop.counted() == {"tea": 1.0}

    @pytest.mark.parametrize("call", [3, 5, 6])
    def test_a_removal_that_is_killed_and_repeated_counts_once_though_the_events_have_changed(
        self, shop: Shop, call: int
    ) -> None:
        events = views(3)
        shop.apply(shop.store(events))
        removal = shop.delete(events[:1])
        later = [events[0]._replace(event_id="later", timestamp=events[0].timestamp - timedelta(seconds=9))]

        with failing(shop.wired, call, "after", Crash()), pytest.raises(Crash):
            shop.apply(removal)
        records = shop.store(later)
        shop.apply(removal)
        shop.apply(records)
        assert shop.counted() == {"tea": 1.0}

        shop.apply(shop.delete([*later, *events[1:2]]))
        assert shop.counted() == {"tea": 1.0}
        shop.apply(shop.delete(events[2:]))
        assert shop.counted() == {}
