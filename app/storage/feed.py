"""Read the newest events of all users, from the index by month that trainings read."""

from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby

from pynamodb.expressions.condition import Condition

from app.domain.events import Event, EventSelection
from app.domain.paging import Page
from app.storage.database import Database, Raw, awaited
from app.storage.event_rows import event_of, user_id_of
from app.storage.events import MONTHS, EventRow
from app.storage.selecting import Retention, bounds, meets
from app.storage.table import SEPARATOR, Table, key, moment, month_partitions

FIRST_ROWS = 20
"""The number of a partition's newest rows that are read first: about 4 KB, the unit in which reads are billed."""
MOST_MONTHS = 2
MOST_READ = 1_000
END = "~"
"""Comes after all times of a month."""

Position = tuple[str, str]
"""Time#event_id and user of an event."""


class FeedStore:
    def __init__(self, database: Database, retention: Retention) -> None:
        self._table, self._retention = Table(database, EventRow), retention
        self._submit = database.submit

    def page(self, project: str, selection: EventSelection, start: str | None, limit: int) -> Page[Event]:
        """Returns the newest events that meet all conditions, newest first; `start` is the previous page's next start.

        The work of a page is bounded: it examines at most 1,000 events, of two months that have events. So it can be
        shorter than `limit`, or empty, and still have a next one. Events have no attribution, and without an owner in
        the selection those of the last second may be missing.
        """
        before = _position(start) if start else None
        first, last = bounds(self._retention.kept(selection))
        last = min(last, before[0]) if before else last
        if last < first:  # all of them have expired
            return Page((), None)
        between = EventRow.moment.between(first, last)
        if selection.owner is not None:
            parts, rest = [self._owned(key(project, selection.owner), between)], None
        else:
            months, rest = self._months(project, first, last)
            parts = [self._of_month(project, month, between) for month in months]
        events, examined = list[Event](), 0
        for row in (row for part in parts for row in part):
            position = _position_of(row)
            if before and position >= before:
                continue
            examined += 1
            if meets(row, selection):
                events.append(event_of(row, position[1]))
            if len(events) == limit or examined == MOST_READ:
                return Page(tuple(events), "/".join(position))
        return Page(tuple(events), rest)

    @staticmethod
    def reached(start: str) -> datetime:
        """Returns the time of a page's next start: all later events were examined."""
        at = _position(start)[0]
        if at.endswith(END):
            year, month = map(int, at.removesuffix(END).split("-"))
            return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        return moment(at.partition(SEPARATOR)[0])

    def _months(self, project: str, first: str, last: str) -> tuple[list[str], str | None]:
        """Returns the newest months with events between two sort keys, and where the older ones start."""
        listed = EventRow.moment.between(first[:7], last[:7])
        rows, _ = self._table.query(
            key(project, "", MONTHS), range_condition=listed, newest_first=True, limit=MOST_MONTHS + 1
        )
        months = [str(row["moment"]["S"]) for row in rows]
        return months[:MOST_MONTHS], f"{months[MOST_MONTHS]}{END}/" if len(months) > MOST_MONTHS else None

    def _of_month(self, project: str, month: str, between: Condition) -> Iterator[Raw]:
        """Yields the rows of a month, newest first; the beginnings of its partitions are read in parallel."""
        partitions = month_partitions(project, [month])
        beginnings = [self._submit(self._beginning, partition, between) for partition in partitions]
        parts = map(self._newest_first, partitions, beginnings, [between] * len(partitions))
        yield from merge(*parts, key=_position_of, reverse=True)

    def _beginning(self, partition: str, between: Condition) -> tuple[list[Raw], Raw | None]:
        return self._table.query(partition, index="month", range_condition=between, newest_first=True, limit=FIRST_ROWS)

    def _newest_first(
        self, partition: str, beginning: "Future[tuple[list[Raw], Raw | None]]", between: Condition
    ) -> Iterator[Raw]:
        for _, rows in groupby(self._of_partition(partition, beginning, between), lambda row: str(row["moment"]["S"])):
            yield from sorted(rows, key=_position_of, reverse=True)

    def _of_partition(
        self, partition: str, beginning: "Future[tuple[list[Raw], Raw | None]]", between: Condition
    ) -> Iterator[Raw]:
        rows, more = awaited(beginning)
        yield from rows
        while more:
            rows, more = self._table.query(
                partition, index="month", range_condition=between, newest_first=True, limit=MOST_READ // 4, start=more
            )
            yield from rows

    def _owned(self, owner: str, between: Condition) -> Iterator[Raw]:
        rows, _ = self._table.query(owner, range_condition=between, newest_first=True, limit=MOST_READ + 1)
        yield from rows


def _position_of(row: Raw) -> Position:
    return str(row["moment"]["S"]), user_id_of(row)


def _position(start: str) -> Position:
    moment, _, user_id = start.partition("/")
    return moment, user_id
