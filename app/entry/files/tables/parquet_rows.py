"""Rows of Parquet files, row group by row group; a place is the number of rows before it.

No number changes: a float of 32 bits becomes the shortest number that it stands for, and a decimal stays one.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from app.entry.files.cells.decimals import LARGEST_INTEGER, as_number, as_text, is_exact
from app.entry.files.contents import Content
from app.entry.files.rows import FileError, FileRow, Place
from app.entry.files.streams import loaded_pyarrow

MOST_ROWS = 5_000
BATCH_BYTES = 8 * 1024 * 1024
"""Uncompressed bytes that are decoded at a time."""
EXACT_DIGITS = 15
"""Every decimal of so many digits is a float of its own."""


class ParquetFile:
    """A Parquet file; opening it reads the footer only."""

    def __init__(self, content: Content) -> None:
        """Raises FileError if it cannot be read as Parquet."""
        self._content, self._arrow = content, loaded_pyarrow(content.name)
        with self._opened() as file:
            metadata, schema = file.metadata, file.schema_arrow
        self.count: int = metadata.num_rows
        self.columns: tuple[str, ...] = tuple(schema.names)
        types = self._arrow.types
        self.float_columns = frozenset(field.name for field in schema if types.is_floating(field.type))
        self.single_columns = frozenset(field.name for field in schema if types.is_float32(field.type))
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        self._groups = [group.num_rows for group in groups]
        self.wide_columns = frozenset(
            field.name
            for field in schema
            if (types.is_decimal(field.type) and field.type.precision > EXACT_DIGITS)
            or ((types.is_int64(field.type) or types.is_uint64(field.type)) and _may_be_large(groups, field.name))
        )
        """Columns whose numbers may have more digits than a number of JSON."""
        self._row_bytes = sum(group.total_byte_size for group in groups) // max(self.count, 1) + 1

    def rows(self, start: Place, columns: Sequence[str]) -> Generator[FileRow, None, None]:
        """Yields the rows from a place on, with these columns. Raises FileError if they cannot be decoded."""
        first, skipped = 0, start.position
        while first < len(self._groups) and skipped >= self._groups[first]:
            skipped -= self._groups[first]
            first += 1
        number = start.position - skipped
        batch_size = max(min(MOST_ROWS, BATCH_BYTES // self._row_bytes), 1)
        groups = list(range(first, len(self._groups)))
        with self._opened() as file:
            for batch in file.iter_batches(batch_size, groups, list(columns)):
                if number + batch.num_rows <= start.position:
                    number += batch.num_rows
                    continue
                for fields in self._exact(batch).to_pylist(maps_as_pydicts="strict"):
                    number += 1
                    if number > start.position:
                        plain = {name: _plain(value) for name, value in fields.items()}
                        yield FileRow(number, plain, None, Place(number, number), self._row_bytes)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """Opens the file. Raises FileError if it cannot be read as Parquet."""
        with self._content.open() as source:
            try:
                with self._arrow.parquet.ParquetFile(source) as file:
                    yield file
            except KeyError as error:
                raise FileError(f"{self._content.name} has a map with a key twice: {error}.") from error
            except (self._arrow.ArrowException, OSError, ValueError, OverflowError) as error:
                raise FileError(f"{self._content.name} cannot be read as Parquet: {error}.") from error

    def _exact(self, batch: Any) -> Any:  # noqa: ANN401 - of pyarrow
        """The batch with numbers and times that Python can hold.

        Floats of 32 bits get the shortest text that stands for them, and times lose their nanoseconds.
        """
        types, arrow = self._arrow.types, self._arrow

        def as_text(type_: Any) -> Any:  # noqa: ANN401 - as above
            return arrow.string() if types.is_float32(type_) else type_

        def held(type_: Any) -> Any:  # noqa: ANN401 - as above
            if types.is_float32(type_):
                return arrow.float64()
            is_fine = types.is_timestamp(type_) and type_.unit == "ns"
            return arrow.timestamp("us", type_.tz) if is_fine else type_

        for position, field in enumerate(batch.schema):
            target = self._replaced(field.type, held)
            if target != field.type:
                column = batch.column(position).cast(self._replaced(field.type, as_text))
                batch = batch.set_column(position, field.name, column.cast(target, safe=False))
        return batch

    def _replaced(self, type_: Any, replace: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - types of pyarrow
        """The type with all types inside it replaced."""
        types, arrow = self._arrow.types, self._arrow
        if types.is_struct(type_):
            return arrow.struct([field.with_type(self._replaced(field.type, replace)) for field in type_])
        if types.is_map(type_):
            return arrow.map_(type_.key_type, self._replaced(type_.item_type, replace))
        if types.is_list(type_) or types.is_large_list(type_) or types.is_fixed_size_list(type_):
            return arrow.list_(self._replaced(type_.value_type, replace))
        return replace(type_)


def _may_be_large(groups: Sequence[Any], column: str) -> bool:
    """Whether the statistics of a column of integers leave it open that some are too large for JSON."""
    for group in groups:
        chunks = map(group.column, range(group.num_columns))
        statistics = next(chunk.statistics for chunk in chunks if chunk.path_in_schema == column)
        if statistics is None or not statistics.has_min_max:
            return True
        if statistics.min <= -LARGEST_INTEGER or statistics.max >= LARGEST_INTEGER:
            return True
    return False


def _plain(value: object) -> object:
    """Spans of time as text; what is inside lists and objects as JSON has it; other values unchanged."""
    if isinstance(value, timedelta | time):
        return str(value)
    if isinstance(value, dict):
        return {str(name): _nested(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_nested(item) for item in value]
    return value


def _nested(value: object) -> object:
    if isinstance(value, Decimal):
        return as_number(value) if is_exact(value) else as_text(value)
    return value.isoformat() if isinstance(value, date) else _plain(value)
