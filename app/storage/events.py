"""Store events: by user and time for histories, and by month for training.

The key is derived from the event, so sending an event again writes the same row again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pynamodb.attributes import BinaryAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

from app.domain.events import Event, EventKey, EventSelection, History, SelectedEvents
from app.domain.paging import Page
from app.storage.attributes import binary, text
from app.storage.database import Database, Raw
from app.storage.event_changes import EventChanges
from app.storage.event_rows import VERDICTS, event_of, row_of, user_id_of
from app.storage.selecting import FIRST_MOMENT, LAST_MOMENT, Retention, bounds, meets
from app.storage.table import MONTH_SHARDS, Table, iso, key, month_partition, month_partitions

MONTHS = "months"
"""Partition that lists the months with events: project##months. User ids are never empty."""
ERASED_AT_ONCE = 500
WRITTEN_AT_ONCE, LOADED_AT_ONCE = 500, 50_000
EVENT = ("moment", "item_id", "event_type", "value", "origin")
"""Attributes that an event is read from."""
HISTORY = ("moment", "item_id", "event_type", "value", "verdicts")
"""Attributes that serving reads: each one is sent and parsed for every event, so fewer cost less."""


class MonthIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Partition: project#month#shard; sort: time#event_id."""

    class Meta:
        index_name = "month"
        projection = IncludeProjection(["item_id", "event_type", "value"])

    month = UnicodeAttribute(hash_key=True)
    moment = UnicodeAttribute(range_key=True)


class EventRow(Model):
    class Meta:
        table_name = "events"
        stream_view_type = "NEW_AND_OLD_IMAGES"

    owner = UnicodeAttribute(hash_key=True)
    """project#user."""
    moment = UnicodeAttribute(range_key=True)
    """time#event_id, or ~verdicts."""
    item_id = UnicodeAttribute(null=True)
    event_type = UnicodeAttribute(null=True)
    value = NumberAttribute(null=True)
    import_id = UnicodeAttribute(null=True)
    origin = UnicodeAttribute(null=True)
    """version#scenario#source of the answer that it goes back to."""
    verdicts = BinaryAttribute(legacy_encoding=False, null=True)
    """Packed verdicts of the user."""
    month = UnicodeAttribute(null=True)
    """The partition in the index: project#month#shard, or project#~verdicts#shard."""
    expires_at = TTLAttribute(null=True)
    by_month = MonthIndex()


class EventStore:
    def __init__(self, database: Database, retention: Retention | None = None) -> None:
        """Without a `retention`, events are kept for ever."""
        self._table, self._retention = Table(database, EventRow), retention or Retention()
        self._months: set[tuple[str, str]] = set()
        self.changes = EventChanges(self._table, self._retention.clock)
        self.batch_size = LOADED_AT_ONCE if database.load else WRITTEN_AT_ONCE
        """Number of events that are best written at once when there are many."""

    def put_many(self, project: str, events: Sequence[Event], import_id: str | None = None) -> None:
        """Writes events, of an import if `import_id` is set; all are durable when this returns."""
        months = {(project, iso(event.timestamp)[:7]) for event in events} - self._months
        self._table.write_many([EventRow(owner=key(project, "", MONTHS), moment=month) for _, month in months])
        self.changes.note(project, [(event.user_id, iso(event.timestamp)) for event in events])
        expiry = self._retention.expiry
        rows = [{**row_of(project, event, import_id), **expiry(event.timestamp)} for event in events]
        if self._table.can_load(rows):
            self._table.load(rows)
        else:
            self._table.write_rows(rows)
        self._months |= months

    def delete_many(self, project: str, events: Sequence[Event]) -> None:
        self.delete_keys(project, [(event.user_id, key(iso(event.timestamp), event.event_id)) for event in events])

    def delete_keys(self, project: str, keys: Sequence[EventKey]) -> None:
        self.changes.note(project, keys)
        self._table.write_many([], self._keys(project, list(dict.fromkeys(keys))))

    def _keys(self, project: str, keys: Sequence[EventKey]) -> list[Raw]:
        """Returns the keys of the rows of some events."""
        return [self._table.key(key(project, user_id), position) for user_id, position in keys]

    def select(self, project: str, selection: EventSelection, start: str | None, limit: int) -> SelectedEvents:
        """Reads a page of the events of the selected user and times, and selects from them by the other conditions.

        Expired events are selected too. Without a user, events that were stored in the last seconds may be missing.
        """
        if selection.owner is None:
            rows, next_start = self._page(project, start, limit, selection)
        else:
            owner = key(project, selection.owner)
            rows, more = self._table.query(
                owner,
                range_condition=between(selection),
                limit=limit,
                consistent=True,
                start=self._table.key(owner, start) if start else None,
            )
            next_start = rows[-1]["moment"]["S"] if more and rows else None
        keys = [(user_id_of(row), row["moment"]["S"]) for row in rows if meets(row, selection)]
        if selection.import_id is not None:
            keys = self._imported(project, keys, selection.import_id)
        return SelectedEvents(keys, len(rows), next_start)

    def _imported(self, project: str, keys: Sequence[EventKey], import_id: str) -> list[EventKey]:
        """Returns the keys of the events that an import wrote last, which the index of months does not say."""
        rows = self._table.get_keys(self._keys(project, keys), consistent=True)
        return [(user_id_of(row), row["moment"]["S"]) for row in rows if text(row, "import_id") == import_id]

    def erase_some(self, project: str, user_id: str, report: Callable[[Sequence[str]], None]) -> int:
        """Deletes up to a page of a user's rows, oldest first; returns their number, 0 if none are left.

        Calls `report` with the sort keys of the events among them before deleting.
        """
        rows, _ = self._table.query(
            key(project, user_id), limit=ERASED_AT_ONCE, consistent=True, attributes=("owner", "moment")
        )
        events = [row["moment"]["S"] for row in rows if row["moment"]["S"] != VERDICTS]
        report(events)
        self.changes.note(project, [(user_id, position) for position in events])
        self._table.write_many([], rows)
        return len(rows)

    def history(self, project: str, user_id: str, limit: int, *, consistent: bool = False) -> History:
        """Returns a user's newest events without attributions, newest first, and their verdicts, in one call."""
        first = self._retention.first()
        rows, _ = self._table.query(
            key(project, user_id),
            range_condition=EventRow.moment >= first if first != FIRST_MOMENT else None,
            limit=limit + 1,
            newest_first=True,
            consistent=consistent,
            attributes=HISTORY,
        )
        verdicts = None
        if rows and rows[0]["moment"]["S"] == VERDICTS:
            verdicts, rows = binary(rows[0], "verdicts"), rows[1:]
        return History([event_of(row, user_id) for row in rows[:limit]], verdicts)

    def newest(
        self, project: str, user_id: str, limit: int, *, consistent: bool = False, before: Event | None = None
    ) -> list[Event]:
        """Returns a user's newest events, or the newest before one of their events; newest first."""
        start = key(iso(before.timestamp), before.event_id) if before else None
        rows, _ = self._newest(project, user_id, start, limit, consistent=consistent, attributes=EVENT)
        return [event_of(row, user_id) for row in rows]

    def _newest(
        self,
        project: str,
        user_id: str,
        start: str | None,
        limit: int,
        **options: Any,  # noqa: ANN401 - options of a query
    ) -> tuple[list[Raw], Raw | None]:
        """Returns the rows of a user's newest events that have not expired, from a sort key on."""
        owner, first = key(project, user_id), self._retention.first()
        if start is not None and start < first:  # DynamoDB refuses a start that does not meet the condition
            return [], None
        return self._table.query(
            owner,
            range_condition=EventRow.moment.between(first, LAST_MOMENT),
            limit=limit,
            newest_first=True,
            start=self._table.key(owner, start) if start else None,
            **options,
        )

    def of_user(self, project: str, user_id: str) -> Iterator[Event]:
        """Yields all events of a user, oldest first."""
        kept = EventRow.moment.between(self._retention.first(), LAST_MOMENT)
        rows = self._table.query_all(key(project, user_id), range_condition=kept, consistent=True)
        return (event_of(row, user_id) for row in rows)

    def of_user_since(self, project: str, user_id: str, since: datetime) -> Iterator[Event]:
        """Yields the events of a user from a time on, newest first."""
        selected = EventRow.moment.between(max(iso(since), self._retention.first()), LAST_MOMENT)
        owner = key(project, user_id)
        rows = self._table.query_all(owner, range_condition=selected, newest_first=True, consistent=True)
        return (event_of(row, user_id) for row in rows)

    def verdicts(self, project: str, user_ids: Sequence[str]) -> dict[str, bytes]:
        """Returns the packed verdicts of those of the users that have some."""
        keys = self._keys(project, [(user_id, VERDICTS) for user_id in user_ids])
        rows = self._table.get_keys(keys, consistent=True)
        return {user_id_of(row): verdicts for row in rows if (verdicts := binary(row, "verdicts"))}

    def put_verdicts(self, project: str, changed: Mapping[str, bytes | None]) -> None:
        """Replaces the verdicts of users; None deletes them."""
        rows = [
            EventRow(
                key(project, user_id), VERDICTS, verdicts=packed, month=month_partition(project, VERDICTS, user_id)
            )
            for user_id, packed in changed.items()
            if packed
        ]
        gone = [(user_id, VERDICTS) for user_id, packed in changed.items() if not packed]
        self._table.write_many(rows, self._keys(project, gone))

    def list_page(self, project: str, user_id: str, start: str | None, limit: int) -> Page[Event]:
        """Returns a page of a user's events, newest first; `start` is the last sort key of the previous page."""
        rows, more = self._newest(project, user_id, start, limit)
        return Page(tuple(event_of(row, user_id) for row in rows), rows[-1]["moment"]["S"] if more and rows else None)

    def all(self, project: str) -> Iterator[Event]:
        """Yields every event of a project, month by month, read page by page."""
        for partition in month_partitions(project, self.months(project)):
            yield from self.of_partition(partition)

    def months(self, project: str) -> list[str]:
        """Returns the months that may have kept events, oldest first."""
        first = EventRow.moment >= self._retention.first()[:7]
        rows = self._table.query_all(key(project, "", MONTHS), range_condition=first)
        return [row["moment"]["S"] for row in rows]

    def of_partition(self, partition: str) -> Iterator[Event]:
        """Yields the kept events of a partition of the index of months, oldest first."""
        kept = EventRow.moment >= self._retention.first()
        for row in self._table.query_all(partition, index="month", range_condition=kept):
            yield event_of(row, user_id_of(row))

    def page(self, project: str, start: str | None, limit: int) -> Page[Event]:
        """Returns a page of a project's events by month; `start` is the last end: month/shard/user/time#event_id."""
        rows, next_start = self._page(project, start, limit, self._retention.kept(EventSelection()))
        return Page(tuple(event_of(row, user_id_of(row)) for row in rows), next_start)

    def _page(
        self, project: str, start: str | None, limit: int, selection: EventSelection
    ) -> tuple[list[Raw], str | None]:
        """Returns a page of the events of the selected times, and the start of the next page."""
        month, shard_text, user_id, reached = start.split("/") if start else ("", "0", "", "")
        first_shard = int(shard_text)
        first, last = bounds(selection)
        rows: list[Raw] = []
        for listed in self._table.query_all(key(project, "", MONTHS)):
            name = listed["moment"]["S"]
            if name < max(month, first[:7]) or name > last:
                continue
            for month_shard in range(first_shard if name == month else 0, MONTH_SHARDS):
                partition = key(project, name, f"{month_shard:02d}")
                resumed = name == month and month_shard == first_shard and user_id and reached >= first
                begin = {**self._table.key(key(project, user_id), reached), "month": {"S": partition}}
                part, more = self._table.query(
                    partition,
                    index="month",
                    range_condition=between(selection),
                    limit=limit - len(rows),
                    start=begin if resumed else None,
                )
                rows += part
                if more or len(rows) == limit:
                    end = rows[-1]
                    return rows, f"{name}/{month_shard}/{user_id_of(end)}/{end['moment']['S']}"
        return rows, None


def between(selection: EventSelection) -> Condition:
    return EventRow.moment.between(*bounds(selection))
