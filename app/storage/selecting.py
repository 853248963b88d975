"""Which events are selected, and which have expired."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from app.clock import SYSTEM_CLOCK, Clock
from app.domain.events import EventSelection
from app.storage.database import Raw
from app.storage.table import iso

FIRST_MOMENT, LAST_MOMENT = "0", "~"
"""Sort keys before and after those of all events, but before the verdicts."""


def bounds(selection: EventSelection) -> tuple[str, str]:
    """Returns the smallest and the largest sort key of the selected times.

    The sort keys of events continue after their time, so that those of the end itself are larger than it.
    """
    first = iso(selection.from_time) if selection.from_time else FIRST_MOMENT
    return first, iso(selection.to_time) if selection.to_time else LAST_MOMENT


def meets(row: Raw, selection: EventSelection) -> bool:
    """Whether a row of the selected times meets the conditions that its attributes tell."""
    return (selection.item_id is None or row["item_id"]["S"] == selection.item_id) and (
        selection.event_type is None or row["event_type"]["S"] == selection.event_type
    )


class Retention:
    """How long events are kept. Older ones are invisible, even if the database has not deleted them yet."""

    def __init__(self, days: int | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        """`days` is None if events are kept for ever."""
        self._age, self.clock = None if days is None else timedelta(days=days), clock

    def since(self) -> datetime | None:
        """Returns the time since which events are kept; None if all are."""
        return None if self._age is None else self.clock.now() - self._age

    def first(self) -> str:
        """Returns the smallest sort key of events that are kept."""
        since = self.since()
        return FIRST_MOMENT if since is None else iso(since)

    def kept(self, selection: EventSelection) -> EventSelection:
        """Returns a selection without events that have expired."""
        since = self.since()
        if since is None or (selection.from_time is not None and selection.from_time >= since):
            return selection
        return replace(selection, from_time=since)

    def expiry(self, timestamp: datetime) -> dict[str, Any]:
        """Returns the attribute by which the database deletes the row of an event, if it expires."""
        if self._age is None:
            return {}
        return {"expires_at": {"N": str(int(timestamp.timestamp() + self._age.total_seconds()))}}
