"""A file as a table of cells: how it is written, the names of its columns, and its rows."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import islice

from app.entry.files import columns, dialects, header
from app.entry.files.contents import Content, Opened
from app.entry.files.layouts import matching
from app.entry.files.layouts.layout import Layout
from app.entry.files.rows import FileError, FileRow, Place
from app.entry.files.tables import parquet_rows, text_rows


class Table:
    def __init__(self, content: Content, encoding: str | None) -> None:
        """Raises FileError if the file cannot be read, or has no names of columns."""
        self.content = content
        self.name = content.name
        dialect = dialects.recognized(content, encoding)
        self.format = dialect.format
        self._parquet: parquet_rows.ParquetFile | None = None
        self._opened: Opened | None = None
        layout: Layout | None = None
        if dialect.format == dialects.PARQUET:
            self._parquet = parquet_rows.ParquetFile(content)
            self.names: Sequence[str] = self._parquet.columns
        elif dialect.format == dialects.JSON:
            self.names = header.names_of_json(self.name, dialect)
        else:
            layout = matching.of_first_line(dialect)
            self.names = layout.columns if layout else header.names_of_text(self.name, dialect)
            if layout is not None and layout.encoding and not encoding:
                dialect = replace(dialect, encoding=layout.encoding, undecodable=None)
        self._dialect = dialect
        self._has_header = layout is None
        self._layout = layout or matching.of_columns(self.names)
        self._quoted = self._has_header and (self._layout is None or self._layout.is_quoted)

    @property
    def is_json(self) -> bool:
        return self.format == dialects.JSON

    def progress_at(self, end: Place) -> float:
        """The share of the file before a place that was just read, from 0 to 1."""
        if self._parquet is not None:
            return end.position / max(self._parquet.count, 1)
        return self._opened.progress if self._opened else 0.0

    def rows_of(self, start: Place, names: Sequence[str]) -> Generator[FileRow, None, None]:
        """Yields the rows from a place on, of Parquet with these columns; closing the generator closes the file.

        Raises:
            FileError: the file cannot be read on.
        """
        if self._parquet is not None:
            yield from self._parquet.rows(start, names)
            return
        opened = self._opened = Opened(self.content, self._dialect.encoding, is_array=self._dialect.is_array)
        try:
            opened.skip(start.position)
            if self.is_json:
                yield from text_rows.of_json(self.name, opened.bytes, start)
                return
            rows = text_rows.of_text(
                self.name, opened.bytes, start, self._dialect.delimiter, self.names, quoted=self._quoted
            )
            skipped = self._dialect.skipped + self._has_header if start == Place() else 0
            for row in islice(rows, skipped, None):
                yield row._replace(fields={}, is_header=True) if self._is_header(row) else row
        finally:
            opened.close()

    def _check_cells(self) -> None:
        """Raises FileError if cells cannot be decoded, or belong to several columns of one name."""
        if self._dialect.undecodable is not None:
            raise self._dialect.undecodable
        twice = columns.duplicated(self.names)
        if twice:
            raise FileError(f"{self.name} has more than one column {twice[0]!r}. Give each column its own name.")

    def _is_header(self, row: FileRow) -> bool:
        """Whether a row repeats the header, perhaps with the byte order mark of the file that it began."""
        if not self._has_header or row.error is not None:
            return False
        return all(cell.strip().removeprefix(dialects.BOM) == name for name, cell in row.fields.items())
