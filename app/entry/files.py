"""Events, items and users from files: CSV, JSON Lines, Parquet and the MovieLens family, row by row."""

import csv
import itertools
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import orjson

KINDS: dict[str, tuple[str, ...]] = {
    "events": ("user_id", "session_id", "item_id", "event_type", "value", "timestamp", "event_id"),
    "items": ("item_id", "title", "categories", "properties"),
    "users": ("user_id", "properties"),
}
NEEDED = {"events": ("user_id", "item_id"), "items": ("item_id",), "users": ("user_id",)}
LIST_SEPARATOR = "|"
MOVIELENS = {
    "ratings.dat": ("events", ("user_id", "item_id", "value", "timestamp")),
    "movies.dat": ("items", ("item_id", "title", "categories")),
    "ratings.csv": ("events", {"userId": "user_id", "movieId": "item_id", "rating": "value"}),
    "movies.csv": ("items", {"movieId": "item_id", "genres": "categories"}),
}
PARQUET_MAGIC = b"PAR1"


class FileError(Exception):
    """The file cannot be read at all; the text says why and what to do."""


@dataclass(frozen=True)
class Row:
    """One row of a file: its number from 1, and its fields or what is wrong with it."""

    number: int
    fields: dict[str, Any]
    error: str | None = None
    position: int = 0
    """Bytes of the file (rows, for Parquet) read so far."""


@dataclass(frozen=True)
class Source:
    """One file, what it holds, and how its columns are called with us."""

    path: Path
    kind: str
    columns: Mapping[str, str]
    size: int


def sources(path: Path, kind: str | None, mapping: Mapping[str, str]) -> list[Source]:
    """The files to import: one, or those of a folder that are known by their name, items first.

    Args:
        path: a file or a folder.
        kind: events, items or users; None guesses from the file's name and columns.
        mapping: our column -> the file's column.

    Raises:
        FileError: there is nothing that can be imported.
    """
    if not path.exists():
        raise FileError(f"There is no {path}.")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    suffixes = {".csv", ".jsonl", ".ndjson", ".parquet", ".dat"}
    found = [_source(one, kind, mapping) for one in files if one.suffix in suffixes]
    if not found:
        raise FileError(f"{path} holds no .csv, .jsonl, .ndjson, .parquet or MovieLens .dat file.")
    order = list(reversed(KINDS))
    return sorted(found, key=lambda one: order.index(one.kind))


def _source(path: Path, kind: str | None, mapping: Mapping[str, str]) -> Source:
    renamed = {theirs: ours for ours, theirs in mapping.items()}
    if path.name in MOVIELENS and not mapping:
        known_kind, columns = MOVIELENS[path.name]
        return Source(path, known_kind, columns if isinstance(columns, dict) else {}, _size(path))
    if path.suffix == ".dat":
        raise FileError(f"{path.name}: of the .dat files only MovieLens' ratings.dat and movies.dat are known.")
    names = {renamed.get(name, name) for name in _columns(path)}
    if "session_id" in names:  # events of sessions have no user
        names.add("user_id")
    for candidate in (kind,) if kind else ("events", "users" if "user_id" in names else "items"):
        if candidate and names.issuperset(NEEDED[candidate]):
            return Source(path, candidate, renamed, _size(path))
    raise FileError(
        f"{path.name} has the columns {', '.join(sorted(names)) or '(none)'}; events need user_id and item_id, items "
        "item_id, users user_id. Name yours with --map, for example --map item_id=sku."
    )


def _columns(path: Path) -> set[str]:
    first = next(_raw_rows(path), None)
    if first is None:
        raise FileError(f"{path.name} is empty.")
    if first.error and not first.fields:
        raise FileError(f"{path.name} is not what its name says: {first.error}.")
    return set(first.fields)


def _size(path: Path) -> int:
    if path.suffix == ".parquet":
        from pyarrow import parquet  # noqa: PLC0415 - slow to load, and only one format needs it

        return int(parquet.ParquetFile(path).metadata.num_rows)
    return path.stat().st_size


def rows(source: Source) -> Iterator[Row]:
    """The rows of a source with our names for its columns; unknown columns of items and users become properties."""
    dat = MOVIELENS[source.path.name][1] if source.path.suffix == ".dat" else None
    raw = _dat_rows(source.path, dat) if isinstance(dat, tuple) else _raw_rows(source.path)
    family = source.path.name in MOVIELENS
    for row in raw:
        if row.error:
            yield row
            continue
        fields = {source.columns.get(name, name): value for name, value in row.fields.items() if not _is_missing(value)}
        if family and source.kind == "events":
            fields["event_type"] = "rating"
        try:
            yield replace(row, fields=_shaped(source.kind, fields))
        except orjson.JSONDecodeError as error:
            yield replace(row, error=f"properties: is not JSON: {error}")


def _shaped(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Texts of flat files as the types that the API takes.

    Raises:
        orjson.JSONDecodeError: the text of properties is not JSON.
    """
    known = KINDS[kind]
    shaped = {name: value for name, value in fields.items() if name in known}
    for name in ("user_id", "session_id", "item_id", "event_id", "event_type"):
        if isinstance(shaped.get(name), int | float):
            shaped[name] = _id(shaped[name])
    for name in ("value", "timestamp"):
        if isinstance(shaped.get(name), str):
            shaped[name] = _number(shaped[name])
    if "timestamp" in shaped:
        shaped["timestamp"] = _with_offset(shaped["timestamp"])
    if isinstance(shaped.get("categories"), str):
        shaped["categories"] = [
            one for one in shaped["categories"].split(LIST_SEPARATOR) if one and one != "(no genres listed)"
        ]
    if kind != "events":
        extra = {name: _property(value) for name, value in fields.items() if name not in known}
        given = shaped.get("properties", {})
        given = orjson.loads(given) if isinstance(given, str) else given
        if extra or given:
            shaped["properties"] = {**extra, **given} if isinstance(given, dict) else given
    return shaped


def _is_missing(value: object) -> bool:
    """Empty, or NaN, which is how pandas writes that there is nothing."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _id(number: float) -> str:
    """A number as an id; pandas makes floats of whole numbers when a column has gaps."""
    return str(int(number)) if float(number).is_integer() else repr(number)


def _with_offset(value: object) -> object:
    """Texts without an offset are taken for UTC; pandas and spreadsheets write them so."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        return value if moment.tzinfo else moment.replace(tzinfo=UTC).isoformat()
    return value


def _number(text: str) -> object:
    """The number that a text spells, else the text."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _property(value: object) -> object:
    """A text that is a number in JSON's spelling as that number; 007 and 1_000 stay texts."""
    if not isinstance(value, str):
        return value
    try:
        spelt = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return spelt if isinstance(spelt, int | float) and not isinstance(spelt, bool) else value


def _raw_rows(path: Path) -> Iterator[Row]:
    readers = {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows, ".parquet": _parquet_rows}
    reader = readers.get(path.suffix)
    if reader is None:
        raise FileError(f"{path.name} is of no known kind; use .csv, .jsonl, .ndjson, .parquet or MovieLens' .dat.")
    return reader(path)


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield lines
    except UnicodeDecodeError as error:
        raise FileError(f"{path.name} is not UTF-8 text, which a {path.suffix} file must be.") from error


def _csv_rows(path: Path) -> Iterator[Row]:
    with _text(path) as lines:
        reader = csv.reader(lines)
        try:
            header = next(reader, [])
            if len(header) < 2 or any("\x00" in name for name in header):  # noqa: PLR2004
                raise FileError(f"{path.name} does not start with a header line of comma-separated column names.")
            position = 0
            for fields in reader:
                position += sum(map(len, fields)) + len(fields)
                if len(fields) != len(header):
                    wrong = f"has {len(fields)} fields where the header has {len(header)}"
                    yield Row(reader.line_num, {}, wrong, position)
                else:
                    yield Row(reader.line_num, dict(zip(header, fields, strict=True)), None, position)
        except csv.Error as error:
            raise FileError(f"{path.name}, line {reader.line_num}: {error}.") from error


def _json_rows(path: Path) -> Iterator[Row]:
    with path.open("rb") as lines:
        position = 0
        for number, line in enumerate(lines, 1):
            position += len(line)
            if not line.strip():
                continue
            try:
                fields = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                yield Row(number, {}, f"is not JSON: {error}", position)
                continue
            if isinstance(fields, dict):
                yield Row(number, fields, None, position)
            else:
                yield Row(number, {}, "is not a JSON object", position)


def _parquet_rows(path: Path) -> Iterator[Row]:
    with path.open("rb") as start:
        if start.read(4) != PARQUET_MAGIC:
            raise FileError(f"{path.name} is not a Parquet file.")
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 - slow to load, and only one format needs it

    try:
        numbers = itertools.count(1)
        for batch in parquet.ParquetFile(path).iter_batches(5_000):
            for fields in batch.to_pylist():
                number = next(numbers)
                yield Row(number, {name: _plain(value) for name, value in fields.items()}, None, number)
    except ArrowException as error:
        raise FileError(f"{path.name} cannot be read as Parquet: {error}.") from error


def _plain(value: object) -> object:
    """Timestamps as text, the rest as it is."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _dat_rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """MovieLens' `a::b::c`."""
    with _text(path) as lines:
        position = 0
        for number, line in enumerate(lines, 1):
            position += len(line)
            values = line.rstrip("\r\n").split("::")
            if len(values) == len(columns):
                yield Row(number, dict(zip(columns, values, strict=True)), None, position)
            else:
                yield Row(number, {}, f"has {len(values)} fields where {len(columns)} are expected", position)
