"""Rows of Parquet files, row group by row group; a place is the number of rows before it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from app.entry.files.contents import Content, loaded_pyarrow
from app.entry.files.rows import FileError, FileRow, Place

MOST_ROWS = 5_000
BATCH_BYTES = 8 * 1024 * 1024
"""Uncompressed bytes that are decoded at a time."""
LARGEST_INTEGER = 2**63


class ParquetFile:
    """A Parquet file; opening it reads the footer only."""

    def __init__(self, content: Content) -> None:
        """Raises FileError if it cannot be read as Parquet."""
        self._content, self._arrow = content, loaded_pyarrow(content.name)
        with self._opened() as file:
            metadata, schema = file.metadata, file.schema_arrow
        self.count: int = metadata.num_rows
        self.columns: tuple[str, ...] = tuple(schema.names)
        floating = self._arrow.types.is_floating
        self.float_columns = frozenset(field.name for field in schema if floating(field.type))
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        self._groups = [group.num_rows for group in groups]
        self._row_bytes = sum(group.total_byte_size for group in groups) // max(self.count, 1) + 1

    def rows(self, start: Place, columns: Sequence[str]) -> Iterator[FileRow]:
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
                for fields in self._without_nanoseconds(batch).to_pylist():
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
            except (self._arrow.ArrowException, OSError, ValueError, OverflowError) as error:
                raise FileError(f"{self._content.name} cannot be read as Parquet: {error}.") from error

    def _without_nanoseconds(self, batch: Any) -> Any:  # noqa: ANN401 - of pyarrow
        """The batch with times that Python can hold."""
        types, arrow = self._arrow.types, self._arrow
        for position, field in enumerate(batch.schema):
            if types.is_timestamp(field.type) and field.type.unit == "ns":
                microseconds = batch.column(position).cast(arrow.timestamp("us", field.type.tz), safe=False)
                batch = batch.set_column(position, field.name, microseconds)
        return batch


def _plain(value: object) -> object:
    """Decimals as numbers; dates and times inside lists and objects as text; other values unchanged."""
    if isinstance(value, Decimal):
        if value.as_tuple().exponent != 0:
            return float(value)
        return int(value) if abs(value) < LARGEST_INTEGER else str(value)
    if isinstance(value, timedelta | time):
        return str(value)
    if isinstance(value, dict):
        return {name: _nested(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_nested(item) for item in value]
    return value


def _nested(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else _plain(value)
