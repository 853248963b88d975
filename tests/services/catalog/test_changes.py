"""Following the changes of the catalog."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event
from typing import Any

import pytest

from app.config import Settings
from app.deadline import within
from app.domain.access import Limits
from app.errors import DeadlineExceeded
from app.services.catalog.changes import CatalogChanges
from app.storage.items import ItemStore
from app.storage.table import LISTING_SHARDS
from app.wiring import Wired
from tests.support.builders import wired_on
from tests.support.fake_clock import FakeClock


@pytest.fixture
def shop(settings: Settings) -> Iterator[Wired]:
    with closing(wired_on(settings)) as wired:
        wired.services.projects.create(settings.project, None, Limits())
        yield wired


def test_a_request_does_not_wait_for_the_reads_of_another_beyond_its_own_deadline(
    shop: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, begun, clock = Event(), Event(), FakeClock()
    read = ItemStore.changed_since

    def hangs(*arguments: Any) -> Any:
        begun.set()
        assert goes_on.wait(60)
        return read(*arguments)

    monkeypatch.setattr(ItemStore, "changed_since", hangs)
    changes = CatalogChanges(ItemStore(shop.database), settings, clock, shop.database.submit)
    changes.begin(settings.project)
    clock.advance(settings.item_ttl_seconds + 1)

    def follow(seconds: float) -> None:
        with within(seconds):
            changes.follow(settings.project)

    with ThreadPoolExecutor(1) as another:
        patient = another.submit(follow, 60.0)
        assert begun.wait(60)
        with pytest.raises(DeadlineExceeded):
            follow(0.2)
        assert not patient.done()
        goes_on.set()
        patient.result()

    assert len(changes.begin(settings.project).reads) == LISTING_SHARDS
