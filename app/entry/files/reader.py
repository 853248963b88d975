"""The one reader of files, for the command line, `make run DATA=`, evaluation and jobs."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import orjson

from app.entry.files import columns, dialects, header, notes
from app.entry.files.cells.column_types import SINGLE_PRECISION, CellKinds, ColumnTypes
from app.entry.files.cells.formats import Formats
from app.entry.files.cells.times import ORDERED
from app.entry.files.contents import Content
from app.entry.files.kinds import advice, type_in, undone_in
from app.entry.files.layouts.layout import BOTH, EVENTS, Layout
from app.entry.files.records import DEFAULT_TYPE, CheckedRow, Checker
from app.entry.files.rows import FileError, FileRow, FileUnused, Place
from app.entry.files.tables.table import Table

REPORTED_ROWS = 10_000
FIRST_ROWS = 100
TYPED_ROWS = 10_000
"""So many rows are searched for types of events that are not read."""


@dataclass(frozen=True)
class Options:
    """What the user says about a file."""

    kind: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Our field -> the file's column."""
    encoding: str | None = None
    time_unit: str | None = None
    event_type: str | None = None
    date_format: str | None = None
    decimal: str = "."
    is_in_folder: bool = False
    """Whether columns of `mapping` may be in other files."""
    in_job: bool = False
    """Whether the advice in errors is for a job."""

    @property
    def formats(self) -> Formats:
        return Formats(self.time_unit, self.date_format, self.decimal)


class Reader(Table):
    """Reads one file: first the types of its columns, then its records."""

    def __init__(self, content: Content, options: Options) -> None:
        """Raises FileError if the file cannot be read, or if it is not certain how."""
        super().__init__(content, options.encoding)
        self.options, layout = options, self._layout
        if layout is not None and layout.kind is None and options.kind is None and not options.mapping:
            raise FileUnused(f"{self.name} {layout.unused_because} ({layout.name}).")
        self._check_cells()
        mapping = options.mapping
        if options.is_in_folder:
            mapping = {ours: theirs for ours, theirs in mapping.items() if theirs in self.names}
        self.plan = self._planned(layout if layout is not None and layout.kind is not None else None, mapping)
        if self.plan.kind in {EVENTS, BOTH} and not self.plan.has_types(self.names):
            self._check_types()

    @cached_property
    def needs_types(self) -> bool:
        """Whether the whole file has to be read for the types of its columns.

        A text has to, also for quotes that are not closed, and JSON with properties; another file if its times do not
        say for themselves whether the day or the month comes first, or if numbers may have too many digits for JSON.
        """
        has_properties = self.plan.has_more or bool(self.plan.properties)
        if self.format == dialects.TEXT or (self.is_json and has_properties):
            return True
        if not self._wide_columns.isdisjoint(self.plan.properties.values()):
            return True
        types = self.new_types()
        with closing(self.rows(Place())) as rows:
            for row in islice(rows, FIRST_ROWS):
                types.see(row)
        return not ORDERED.isdisjoint(kind for kinds in types.cells.values() for kind in kinds)

    @property
    def _wide_columns(self) -> frozenset[str]:
        return self._parquet.wide_columns if self._parquet is not None else frozenset()

    def rows(self, start: Place) -> Generator[FileRow, None, None]:
        """Yields the rows from a place on, of Parquet with the columns of the plan; see `rows_of`."""
        return self.rows_of(start, [name for name in self.plan.columns if name in self.names])

    def new_types(self, cells: CellKinds | None = None) -> ColumnTypes:
        """Returns the types of the columns as far as `cells` of earlier rows show them."""
        return ColumnTypes(
            self.plan, self.options.formats, cells, file_format=self.format, wide_columns=self._wide_columns
        )

    def types(self, report: Callable[[float], None] = lambda _: None, before: ColumnTypes | None = None) -> ColumnTypes:
        """Returns the types of all columns.

        Args:
            report: called with the share of the file that was read.
            before: the types of another file with the same columns, which this one narrows down.
        """
        types = before or self.new_types()
        if self.needs_types:
            for number, row in enumerate(self.rows(Place())):
                types.see(row)
                if number % REPORTED_ROWS == 0:
                    report(self.progress_at(row.end))
        return types

    def checked(self, rows: Iterator[FileRow], types: ColumnTypes) -> Iterator[CheckedRow]:
        """Yields each row with its records, or with the reason why it is rejected."""
        options, by_column = self.options, types.types()
        if self._parquet is None:
            first = orjson.dumps(self._dialect.head[:2])
        else:
            first = self._first_parquet_row()
            by_column |= dict.fromkeys(self._parquet.single_columns, SINGLE_PRECISION)
        checker = Checker(self.plan, self.is_json, by_column, options.formats, first, options.event_type)
        return checker.checked(rows)

    def notes(self, types: ColumnTypes, marks: Counter[str], rows: int) -> list[str]:
        """Returns what the summary should say about how the file was read.

        Args:
            types: the types of its columns.
            marks: how many of its rows and records have each mark.
            rows: how many rows were read; nothing is said of a file without any.
        """
        if not rows:
            return []
        return notes.lines(
            self.plan,
            self.names,
            types,
            marks,
            event_type=self.options.event_type,
            float_columns=self._parquet.float_columns if self._parquet is not None else (),
            in_job=self.options.in_job,
        )

    def _planned(self, layout: Layout | None, mapping: Mapping[str, str]) -> columns.Plan:
        """Raises FileError if it is not certain what the columns mean."""
        kind, in_job = self.options.kind, self.options.in_job
        try:
            return columns.planned(self.name, self.names, layout, kind, mapping, is_json=self.is_json, in_job=in_job)
        except FileUnused as error:
            if self.format != dialects.TEXT:
                raise
            raise header.explained(error, self.name, self.names, self._dialect) from None

    def _check_types(self) -> None:
        """Raises FileError if a column that is not read seems to be the type of events, or to undo some."""
        unread = [name for name in self.names if name in self.plan.ignored or name in self.plan.properties.values()]
        if not unread:
            return
        with closing(self.rows_of(Place(), unread)) as rows:
            first = [[row.fields.get(name) for name in unread] for row in islice(rows, TYPED_ROWS)]
        in_job = self.options.in_job
        has_one_type = self.options.event_type is not None or "event_type" in self.plan.constants
        for name, column in zip(unread, zip(*first, strict=True), strict=False):
            cells = [cell for cell in column if isinstance(cell, str) and cell.strip()]
            mapping = advice("event_type", name, in_job=in_job)
            undone = undone_in(name, cells)
            if undone is not None:
                means = (
                    'PUT /v1/event-types/TYPE with "means"' if in_job else "serendip event-types set TYPE --means ..."
                )
                raise FileError(
                    f"{self.name}: {name!r} says that some events were undone, for example {undone!r:.60}. Read it as "
                    f"the type of the events: {mapping} ({means} says what other names are), or "
                    "delete the rows that should not count, then this column."
                )
            example = type_in(name, cells)
            if example is not None and not has_one_type:
                event_type = f'"event_type": "{DEFAULT_TYPE}"' if in_job else f"--event-type {DEFAULT_TYPE}"
                raise FileError(
                    f"{self.name}: {name!r} seems to be the type of the events, for example {example!r:.60}. Say "
                    f"whether it is: {mapping}, or which type all events have: {event_type}."
                )

    def _first_parquet_row(self) -> bytes:
        assert self._parquet is not None  # noqa: S101 - the caller checked
        first = next(self._parquet.rows(Place(), [n for n in self.plan.columns if n in self.names]), None)
        return repr(first.fields).encode() if first else b""
