"""Delete the rows of a project, page by page, at a cost that follows from what the project has stored.

All but short-lived rows are found by key: in partitions named after the project, through an index, or through a row
that lists others. Rows that list others stay until the last pass, so that it finds what was written late. Scans read
everyone's rows, so they remain only for tables whose partitions nothing lists, and whose rows expire within days (the
decision log: as configured), and for projects of releases up to 0.7, which did not list everything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import product
from time import monotonic, sleep
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from app.domain.models import VersionState
from app.storage import listing, lists
from app.storage.access import KEY, AccessRow
from app.storage.buckets import BucketRow
from app.storage.connections import ConnectionRow
from app.storage.counters import CounterRow, due_key, partitions_of
from app.storage.database import Database, Raw, plain_name
from app.storage.decisions import DecisionRow
from app.storage.event_changes import owners_of, places_of
from app.storage.event_rows import VERDICTS
from app.storage.events import MONTHS, EventRow
from app.storage.failures import FailureRow, refusals_of
from app.storage.idempotency import IdempotencyRow
from app.storage.items import CATEGORIES, CHANGES, ItemRow
from app.storage.jobs import JobRow
from app.storage.neighbors import ListRow, NeighborStore
from app.storage.packed_catalogs import parts_of, pointer_of, wanted_key
from app.storage.scenarios import ScenarioRow
from app.storage.table import LISTING_SHARDS, SEPARATOR, Table, key, month_partitions
from app.storage.usage import UsageRow
from app.storage.users import ERASURES, UserRow
from app.storage.versions import VersionRow, VersionStore

PAGE_ROWS = 200
"""Rows of a partition that are deleted before the time is looked at again."""
PARTITIONS_AT_ONCE = 8
LONGEST_PAUSE_SECONDS = 0.5
SCANNED_ROWS = 1_000
SCANNED = (BucketRow, IdempotencyRow, ConnectionRow, DecisionRow)
SCANNED_UP_TO_0_7 = (ItemRow, UserRow, ListRow)

Deletions = Sequence[tuple[type[Model], Sequence[Raw]]]
"""Keys of rows by table, in the order in which they are deleted."""
Place = Any
"""Where a step continues, as JSON; None is its beginning, or its end."""
Step = Callable[[Place], tuple[Deletions, Place]]
"""Returns a page of the rows to delete, and the place of the next page."""


class Purge:
    """One pass over the rows of a project."""

    def __init__(
        self, database: Database, project: str, counter_levels: Sequence[int], *, is_indexed: bool, is_last: bool
    ) -> None:
        """`is_indexed` is the project's; the last pass begins when nothing is written any more."""
        self._database, self._project, self._levels = database, project, counter_levels
        self._tables = {model: Table(database, model) for model in database.models}
        self._is_indexed, self._is_last = is_indexed, is_last

    def run(
        self, checkpoint: Mapping[str, Any] | None, removed: dict[str, int], out_of_time: Callable[[], bool]
    ) -> dict[str, Any] | None:
        """Deletes rows until the time is up, and leaves the database half of it to other requests.

        `checkpoint` is what an earlier call for the same pass returned (None starts from the beginning), `removed`
        counts rows by table, and `out_of_time` is asked after each page. Returns the next checkpoint, or None at the
        end of the pass.
        """
        steps = self._steps()
        number, place = (checkpoint or {}).get("step", 0), (checkpoint or {}).get("place")
        while number < len(steps):
            began_at = monotonic()
            deletions, place = steps[number](place)
            for model, keys in deletions:
                self._tables[model].write_many([], keys)
                removed[plain_name(model)] = removed.get(plain_name(model), 0) + len(keys)
            number += place is None
            if out_of_time():
                break
            sleep(min(monotonic() - began_at, LONGEST_PAUSE_SECONDS))
        return {"step": number, "place": place} if number < len(steps) else None

    def _steps(self) -> list[Step]:
        project = self._project
        shards = [listing.partition(project, f"{number:02d}") for number in range(LISTING_SHARDS)]
        counters = partitions_of(project, self._levels)
        steps: list[Step] = [
            *(self._partitions(model, lambda: [project]) for model in (UsageRow, ScenarioRow, JobRow)),
            self._partitions(FailureRow, lambda: [project, refusals_of(project)]),
            self._partitions(CounterRow, lambda: counters),
            self._keys(CounterRow, lambda: [self._tables[CounterRow].key(*due_key(project))]),
            self._partitions(EventRow, self._months, "month", derived=self._with_verdicts),
            self._partitions(ItemRow, lambda: shards, CHANGES, ("categories",), self._with_categories),
            self._partitions(ItemRow, self._category_shards, listing.INDEX),
            self._keys(ListRow, self._live_lists),
            self._packed_catalogs,
            self._keys(CounterRow, lambda: [self._tables[CounterRow].key(*wanted_key(project))]),
            self._partitions(UserRow, lambda: shards, listing.INDEX),
        ]
        if not self._is_last:
            return steps
        return [
            *steps,
            self._neighbors,
            self._keys(ListRow, lambda: [self._tables[ListRow].key(pointer_of(project))]),
            self._partitions(VersionRow, lambda: [project]),
            self._keys(EventRow, self._changes_of_events),
            self._partitions(EventRow, lambda: [key(project, "", MONTHS)]),
            self._partitions(ItemRow, lambda: [key(project, "", CATEGORIES)], listing.INDEX),
            self._partitions(UserRow, lambda: [key(project, "", ERASURES)], listing.INDEX),
            self._keys(UserRow, lambda: [self._tables[UserRow].key(key(project, "", ERASURES))]),
            *(partial(self._scan, model) for model in SCANNED),
            *(partial(self._scan, model) for model in SCANNED_UP_TO_0_7 if not self._is_indexed),
        ]

    def _partitions(
        self,
        model: type[Model],
        names: Callable[[], Sequence[str]],
        index: str | None = None,
        attributes: Sequence[str] = (),
        derived: Callable[[Sequence[Raw]], Deletions] | None = None,
    ) -> Step:
        """Returns a step that deletes the rows of partitions, or the deletions that are `derived` from these rows.

        Small partitions are read several at a time, a large one page by page.
        """
        table, names = self._tables[model], cache(names)  # what lists them does not change within a run

        def page(place: Place) -> tuple[Deletions, Place]:
            number, start = place or (0, None)
            partitions = names()
            read = partitions[number : number + (1 if start else PARTITIONS_AT_ONCE)]
            query = partial(
                table.query,
                index=index,
                limit=PAGE_ROWS,
                consistent=index is None,
                start=start,
                attributes=(*table.key_names, *attributes),
            )
            rows: list[Raw] = []
            for pending in [self._database.submit(query, name) for name in read]:
                more, start = pending.result()
                rows += more
                if start is not None:
                    break
                number += 1
            following = [number, start] if number < len(partitions) else None
            return derived(rows) if derived else [(model, table.keys_of(rows))], following

        return page

    def _keys(self, model: type[Model], keys: Callable[[], Sequence[Raw]]) -> Step:
        """Returns a step that deletes those of the rows with some keys that exist."""
        return lambda _: ([(model, self._existing(model, keys()))], None)

    def _existing(self, model: type[Model], keys: Sequence[Raw]) -> list[Raw]:
        table = self._tables[model]
        return table.keys_of(table.get_keys(keys, consistent=True))

    def _listed_months(self) -> list[str]:
        rows = self._tables[EventRow].query_all(key(self._project, "", MONTHS), consistent=True)
        return [row["moment"]["S"] for row in rows]

    def _months(self) -> Sequence[str]:
        return month_partitions(self._project, [VERDICTS, *self._listed_months()])

    def _changes_of_events(self) -> Sequence[Raw]:
        owners = owners_of(self._project, places_of(self._listed_months()))
        return [self._tables[EventRow].key(owner, VERDICTS) for owner in owners]

    def _with_verdicts(self, events: Sequence[Raw]) -> Deletions:
        """Adds the verdicts of the events' users, which the index of months lacks up to release 0.7."""
        table = self._tables[EventRow]
        owners = sorted({str(row["owner"]["S"]) for row in events if row["moment"]["S"] != VERDICTS})
        verdicts = (
            [] if self._is_indexed else self._existing(EventRow, [table.key(owner, VERDICTS) for owner in owners])
        )
        return [(EventRow, [*verdicts, *table.keys_of(events)])]

    def _with_categories(self, items: Sequence[Raw]) -> Deletions:
        """Puts the rows of the items' categories in front of the items."""
        table = self._tables[ItemRow]
        listed = [
            table.key(key(row["key"]["S"], category["S"]))
            for row in items
            for category in row.get("categories", {"L": ()})["L"]
        ]
        return [(ItemRow, [*listed, *table.keys_of(items)])]

    def _categories(self) -> Iterable[str]:
        rows = self._tables[ItemRow].query_all(key(self._project, "", CATEGORIES), index=listing.INDEX)
        return [str(row["position"]["S"]) for row in rows]

    def _category_shards(self) -> Sequence[str]:
        """Names the partitions of listed categories, which may hold rows that no item names any more."""
        shards = [f"{number:02d}" for number in range(LISTING_SHARDS)]
        return [listing.partition(self._project, *place) for place in product(shards, self._categories())]

    def _live_lists(self) -> Sequence[Raw]:
        table = self._tables[ListRow]
        return [table.key(name) for name in lists.keys_of(self._project, ["", *self._categories()])]

    def _packed_catalogs(self, place: Place) -> tuple[Deletions, Place]:
        """Deletes the parts of one packed catalog; the row that names them stays until the last pass."""
        table, number = self._tables[ListRow], place or 0
        pointer = table.get_many([pointer_of(self._project)], consistent=True)
        catalogs = parts_of(self._project, pointer[0]) if pointer else []
        if number >= len(catalogs):
            return [], None
        keys = self._existing(ListRow, [table.key(name) for name in catalogs[number]])
        return [(ListRow, keys)], number + 1

    def _neighbors(self, place: Place) -> tuple[Deletions, Place]:
        """Deletes the rows and lists that one manifest of a model version names, then the manifest."""
        project, (at, chunk) = self._project, place or ("", 0)
        versions = VersionStore(self._database)
        version = versions.get(project, at) if at else versions.after(project, "")
        if version is None:
            return [], None
        if chunk >= version.manifest_chunks:
            following = versions.after(project, version.version)
            return [], [following.version, 0] if following else None
        deletions: list[tuple[type[Model], Sequence[Raw]]] = []
        for model, keys in NeighborStore(self._database).chunk(project, version.version, chunk):
            is_complete = version.state is VersionState.READY
            deletions.append((model, keys if is_complete else self._existing(model, keys)))
        return deletions, [version.version, chunk + 1]

    def _scan(self, model: type[Model], place: Place) -> tuple[Deletions, Place]:
        """Reads a small page of everyone's rows. Late writes are old enough for an eventually consistent read."""
        table = self._tables[model]
        keys, start = table.scan(rows_of(self._project, model, table), place, SCANNED_ROWS)
        return [(model, keys)], start


def rows_of(project: str, model: type[Model], table: Table) -> Condition:
    """Returns the condition for a project's rows in a table; in the table of projects, for its keys."""
    rows: Condition = table.partition_key.startswith(project + SEPARATOR) | (table.partition_key == project)
    if model is AccessRow:
        rows = AccessRow.key.startswith(KEY + SEPARATOR) & (AccessRow.project == project)
    elif model is ConnectionRow:
        rows |= ConnectionRow.project == project
    elif model is CounterRow:
        rows |= CounterRow.start == project
    return rows
