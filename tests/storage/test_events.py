"""Rows of events."""

import pytest

from app.domain.events import Attribution, Event
from app.storage.event_rows import event_of, row_of
from app.storage.events import EventRow
from tests.support.builders import NOON

ATTRIBUTION = Attribution("v1", "home", "neighbors")


@pytest.mark.parametrize("value", [None, 0, 9, 9.5, -0.25, 1e-7, 1.5e20])
@pytest.mark.parametrize("attribution", [None, ATTRIBUTION])
class TestRows:
    def test_it_is_what_the_model_serializes(self, value: float | None, attribution: Attribution | None) -> None:
        row = row_of("shop", Event("usér", "té", "view", NOON, "e1", value, attribution))

        model = EventRow.from_raw_data({**row})

        assert model.serialize() == row
        assert set(row) == {"owner", "moment", "item_id", "event_type", "month"} | (
            {"value"} if value is not None else set()
        ) | ({"origin"} if attribution else set())

    def test_an_event_is_read_as_it_was_written(self, value: float | None, attribution: Attribution | None) -> None:
        event = Event("usér", "té", "view", NOON, "e#1", value, attribution)

        assert event_of(row_of("shop", event), "usér") == event
