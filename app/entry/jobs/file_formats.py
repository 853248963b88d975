"""Recognizes files of events, items and users (CSV, JSON Lines, Parquet, MovieLens), and maps their columns."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from app.entry.jobs import file_rows
from app.entry.jobs.file_rows import FileError, FileRow

KINDS: dict[str, tuple[str, ...]] = {
    "events": ("user_id", "session_id", "item_id", "event_type", "value", "timestamp", "event_id"),
    "items": ("item_id", "title", "categories", "properties", "hidden", "expires_at"),
    "users": ("user_id", "properties"),
}
REQUIRED = {"events": ("user_id", "item_id"), "items": ("item_id",), "users": ("user_id",)}
LIST_SEPARATOR = "|"
MOVIELENS = {
    "ratings.dat": ("events", ("user_id", "item_id", "value", "timestamp")),
    "movies.dat": ("items", ("item_id", "title", "categories")),
    "ratings.csv": ("events", {"userId": "user_id", "movieId": "item_id", "rating": "value"}),
    "movies.csv": ("items", {"movieId": "item_id", "genres": "categories"}),
}


@dataclass(frozen=True)
class Source:
    """One file to import, its kind of record and its columns."""

    path: Path
    kind: str
    columns: Mapping[str, str]
    """The file's column -> our field."""
    size: int
    """Bytes, or rows of a Parquet file."""


def sources(path: Path, kind: str | None, mapping: Mapping[str, str]) -> list[Source]:
    """The files to import: this file, or all importable files of this folder, items first.

    Args:
        path: a file or a folder.
        kind: events, items or users. None guesses from the file's name and columns.
        mapping: our field -> the file's column.

    Raises:
        FileError: there is nothing to import.
    """
    if not path.exists():
        raise FileError(f"{path} does not exist.")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    suffixes = {".csv", ".jsonl", ".ndjson", ".parquet", ".dat"}
    recognized = [_source(file, kind, mapping) for file in files if file.suffix in suffixes]
    if not recognized:
        raise FileError(f"No .csv, .jsonl, .ndjson, .parquet or MovieLens .dat file at {path}.")
    order = list(reversed(KINDS))
    return sorted(recognized, key=lambda source: order.index(source.kind))


def _source(path: Path, kind: str | None, mapping: Mapping[str, str]) -> Source:
    renamed = {theirs: ours for ours, theirs in mapping.items()}
    if path.name in MOVIELENS and not mapping:
        movielens_kind, columns = MOVIELENS[path.name]
        return Source(path, movielens_kind, columns if isinstance(columns, dict) else {}, _size(path))
    if path.suffix == ".dat":
        raise FileError(f"{path.name} is not supported. The only .dat files are MovieLens' ratings.dat and movies.dat.")
    names = {renamed.get(name, name) for name in _columns(path)}
    recognized = kind_of(names, kind)
    if recognized is None:
        raise FileError(f"{path.name} {lacking(names)} Name yours with --map, for example --map item_id=sku.")
    return Source(path, recognized, renamed, _size(path))


def kind_of(names: set[str], kind: str | None) -> str | None:
    """The kind of record in a file with these columns. None if it is not `kind`, or no kind fits."""
    columns = names | ({"user_id"} if "session_id" in names else set())  # events of sessions have no user
    candidates = (kind,) if kind else ("events", "users" if "user_id" in columns else "items")
    return next((candidate for candidate in candidates if columns.issuperset(REQUIRED[candidate])), None)


def lacking(names: set[str]) -> str:
    """The end of an error message about missing columns."""
    return (
        f"has the columns {', '.join(sorted(names)) or '(none)'}. Events need user_id and item_id, items need item_id, "
        "users need user_id."
    )


def _columns(path: Path) -> set[str]:
    first = next(file_rows.of_file(path), None)
    if first is None:
        raise FileError(f"{path.name} is empty.")
    if first.error and not first.fields:
        raise FileError(f"The content of {path.name} does not match its name: {first.error}.")
    return set(first.fields)


def _size(path: Path) -> int:
    if path.suffix == ".parquet":
        from pyarrow import parquet  # noqa: PLC0415 - slow to load, and only one format needs it

        return int(parquet.ParquetFile(path).metadata.num_rows)
    return path.stat().st_size


def rows(source: Source) -> Iterator[FileRow]:
    """The rows of a source, with our field names."""
    dat = MOVIELENS[source.path.name][1] if source.path.suffix == ".dat" else None
    raw = file_rows.of_dat(source.path, dat) if isinstance(dat, tuple) else file_rows.of_file(source.path)
    rated = source.path.name in MOVIELENS and source.kind == "events"
    return named(raw, source.kind, source.columns, {"event_type": "rating"} if rated else {})


def named(
    raw: Iterable[FileRow], kind: str, columns: Mapping[str, str], more: Mapping[str, str] | None = None
) -> Iterator[FileRow]:
    """Rows with our field names, and `more` fields. Unknown columns of items and users become properties.

    `columns`: the file's column -> our field.
    """
    for row in raw:
        if row.error:
            yield row
            continue
        fields = {columns.get(name, name): value for name, value in row.fields.items() if not _is_missing(value)}
        try:
            yield replace(row, fields=_shaped(kind, {**fields, **(more or {})}))
        except orjson.JSONDecodeError as error:
            yield replace(row, error=f"properties: is not JSON: {error}")


def _shaped(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Fields with the types that the API accepts; flat files contain only text.

    Raises:
        orjson.JSONDecodeError: the text of properties is not JSON.
    """
    names = KINDS[kind]
    shaped = {name: value for name, value in fields.items() if name in names}
    for name in ("user_id", "session_id", "item_id", "event_id", "event_type"):
        if isinstance(shaped.get(name), int | float):
            shaped[name] = _id(shaped[name])
    for name, convert in TEXTS.items():
        if isinstance(shaped.get(name), str):
            shaped[name] = convert(shaped[name])
    if kind != "events":
        extra = {name: _property(value) for name, value in fields.items() if name not in names}
        properties = shaped.get("properties", {})
        properties = orjson.loads(properties) if isinstance(properties, str) else properties
        if extra or properties:
            shaped["properties"] = {**extra, **properties} if isinstance(properties, dict) else properties
    return shaped


def _is_missing(value: object) -> bool:
    """Whether a value is empty, or NaN, which pandas writes for a missing value."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _id(number: float) -> str:
    """A number as an id. pandas turns whole numbers into floats if a column has gaps."""
    return str(int(number)) if float(number).is_integer() else repr(number)


def _time(text: str) -> object:
    """A time as a number or ISO 8601 text. Text without an offset is UTC, as pandas and spreadsheets write it."""
    number = _number(text)
    if number is not text:
        return number
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if parsed.tzinfo else parsed.replace(tzinfo=UTC).isoformat()


def _boolean(text: str) -> object:
    return {"true": True, "false": False, "1": True, "0": False}.get(text.lower(), text)


def _categories(text: str) -> list[str]:
    return [category for category in text.split(LIST_SEPARATOR) if category and category != "(no genres listed)"]


def _number(text: str) -> object:
    """The text as a number, or unchanged if it is not one."""
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _property(value: object) -> object:
    """Text that is a JSON number as that number; 007 and 1_000 remain text."""
    if not isinstance(value, str):
        return value
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return parsed if isinstance(parsed, int | float) and not isinstance(parsed, bool) else value


TEXTS: Mapping[str, Callable[[str], object]] = {
    "value": _number,
    "timestamp": _time,
    "expires_at": _time,
    "hidden": _boolean,
    "categories": _categories,
}
"""How to convert the text of fields that have another type."""
