"""Reads rows from files: CSV, JSON Lines, Parquet and MovieLens' `a::b::c`. A bad row has an error."""

import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import orjson

PARQUET_MAGIC = b"PAR1"


class FileError(Exception):
    """The file cannot be read; the message says why and what to do."""


@dataclass(frozen=True)
class FileRow:
    """One row of a file: its fields, or what is wrong with it."""

    number: int
    """Its last line, counted from 1."""
    fields: dict[str, Any]
    error: str | None = None
    position: int = 0
    """Bytes of the file (rows of a Parquet file) up to the end of this row."""


def of_file(path: Path) -> Iterator[FileRow]:
    """The rows of a file; its suffix is its format."""
    if path.suffix == ".csv":
        return _csv_file(path)
    if path.suffix in {".jsonl", ".ndjson"}:
        return _json_file(path)
    if path.suffix == ".parquet":
        return _parquet_file(path)
    raise FileError(f"{path.name} is not supported. Use .csv, .jsonl, .ndjson, .parquet or MovieLens' .dat.")


def of_dat(path: Path, columns: tuple[str, ...]) -> Iterator[FileRow]:
    """The rows of a MovieLens file: `a::b::c`."""
    with _text(path) as lines:
        position = 0
        for number, line in enumerate(lines, 1):
            position += len(line)
            values = line.rstrip("\r\n").split("::")
            if len(values) == len(columns):
                yield FileRow(number, dict(zip(columns, values, strict=True)), None, position)
            else:
                yield FileRow(number, {}, f"has {len(values)} fields, {len(columns)} are expected", position)


class CsvRows:
    """The rows of CSV text. Its first line is the header, unless `header` is set.

    Raises:
        FileError: the text is not CSV.
    """

    def __init__(self, name: str, lines: Iterable[str], header: Sequence[str] | None = None) -> None:
        self._name, self._lines = name, _CountedLines(lines)
        self._reader = csv.reader(self._lines)
        with self._readable():
            self.header = next(self._reader, []) if header is None else header
        if len(self.header) < 2 or any("\x00" in name for name in self.header):  # noqa: PLR2004
            raise FileError(f"{name} does not start with a header line of comma-separated column names.")

    def __iter__(self) -> Iterator[FileRow]:
        reader, names = self._reader, self.header
        with self._readable():
            for fields in reader:
                if len(fields) != len(names):
                    error = f"has {len(fields)} fields, the header has {len(names)}"
                    yield FileRow(reader.line_num, {}, error, self._lines.bytes)
                else:
                    yield FileRow(reader.line_num, dict(zip(names, fields, strict=True)), None, self._lines.bytes)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            raise FileError(f"{self._name}, line {self._reader.line_num}: {error}.") from error


def of_json(lines: Iterable[bytes]) -> Iterator[FileRow]:
    """The rows of JSON Lines: one object a line."""
    position = 0
    for number, line in enumerate(lines, 1):
        position += len(line)
        if not line.strip():
            continue
        try:
            fields = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield FileRow(number, {}, f"is not JSON: {error}", position)
            continue
        if isinstance(fields, dict):
            yield FileRow(number, fields, None, position)
        else:
            yield FileRow(number, {}, "is not a JSON object", position)


class _CountedLines:
    """Lines, and how many bytes of them were read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.bytes = iter(lines), 0

    def __iter__(self) -> "_CountedLines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.bytes += len(line.encode())
        return line


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield lines
    except UnicodeDecodeError as error:
        raise FileError(f"{path.name} is not UTF-8 text, which a {path.suffix} file must be.") from error


def _csv_file(path: Path) -> Iterator[FileRow]:
    with _text(path) as lines:
        yield from CsvRows(path.name, lines)


def _json_file(path: Path) -> Iterator[FileRow]:
    with path.open("rb") as lines:
        yield from of_json(lines)


def _parquet_file(path: Path) -> Iterator[FileRow]:
    with path.open("rb") as start:
        if start.read(4) != PARQUET_MAGIC:
            raise FileError(f"{path.name} is not a Parquet file.")
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 - slow to load, and only one format needs it

    try:
        numbers = itertools.count(1)
        for batch in parquet.ParquetFile(path).iter_batches(5_000):
            for fields in batch.to_pylist():
                number = next(numbers)
                yield FileRow(number, {name: _plain(value) for name, value in fields.items()}, None, number)
    except ArrowException as error:
        raise FileError(f"{path.name} cannot be read as Parquet: {error}.") from error


def _plain(value: object) -> object:
    """Timestamps as text; other values unchanged."""
    return value.isoformat() if hasattr(value, "isoformat") else value
