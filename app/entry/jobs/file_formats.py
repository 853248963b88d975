"""Events, items and users from files: CSV, JSON Lines, Parquet and the MovieLens family, row by row."""

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
NEEDED = {"events": ("user_id", "item_id"), "items": ("item_id",), "users": ("user_id",)}
LIST_SEPARATOR = "|"
MOVIELENS = {
    "ratings.dat": ("events", ("user_id", "item_id", "value", "timestamp")),
    "movies.dat": ("items", ("item_id", "title", "categories")),
    "ratings.csv": ("events", {"userId": "user_id", "movieId": "item_id", "rating": "value"}),
    "movies.csv": ("items", {"movieId": "item_id", "genres": "categories"}),
}


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
    found = kind_of(names, kind)
    if found is None:
        raise FileError(f"{path.name} {lacking(names)} Name yours with --map, for example --map item_id=sku.")
    return Source(path, found, renamed, _size(path))


def kind_of(names: set[str], kind: str | None) -> str | None:
    """What a file with these columns holds, or whether it is this kind; None if not."""
    known = names | ({"user_id"} if "session_id" in names else set())  # events of sessions have no user
    candidates = (kind,) if kind else ("events", "users" if "user_id" in known else "items")
    return next((one for one in candidates if known.issuperset(NEEDED[one])), None)


def lacking(names: set[str]) -> str:
    return (
        f"has the columns {', '.join(sorted(names)) or '(none)'}; events need user_id and item_id, items item_id, "
        "users user_id."
    )


def _columns(path: Path) -> set[str]:
    first = next(file_rows.of_file(path), None)
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


def rows(source: Source) -> Iterator[FileRow]:
    """The rows of a source with our names for its columns."""
    dat = MOVIELENS[source.path.name][1] if source.path.suffix == ".dat" else None
    raw = file_rows.of_dat(source.path, dat) if isinstance(dat, tuple) else file_rows.of_file(source.path)
    rated = source.path.name in MOVIELENS and source.kind == "events"
    return named(raw, source.kind, source.columns, {"event_type": "rating"} if rated else {})


def named(
    raw: Iterable[FileRow], kind: str, columns: Mapping[str, str], more: Mapping[str, str] | None = None
) -> Iterator[FileRow]:
    """Rows with our names for their columns, and more fields; unknown columns of items and users become properties.

    `columns`: the file's column -> our column.
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
    """Texts of flat files as the types that the API takes.

    Raises:
        orjson.JSONDecodeError: the text of properties is not JSON.
    """
    known = KINDS[kind]
    shaped = {name: value for name, value in fields.items() if name in known}
    for name in ("user_id", "session_id", "item_id", "event_id", "event_type"):
        if isinstance(shaped.get(name), int | float):
            shaped[name] = _id(shaped[name])
    for name, convert in TEXTS.items():
        if isinstance(shaped.get(name), str):
            shaped[name] = convert(shaped[name])
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


def _time(text: str) -> object:
    """Texts without an offset are taken for UTC; pandas and spreadsheets write them so."""
    number = _number(text)
    if number is not text:
        return number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if moment.tzinfo else moment.replace(tzinfo=UTC).isoformat()


def _truth(text: str) -> object:
    return {"true": True, "false": False, "1": True, "0": False}.get(text.lower(), text)


def _categories(text: str) -> list[str]:
    return [one for one in text.split(LIST_SEPARATOR) if one and one != "(no genres listed)"]


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


TEXTS: Mapping[str, Callable[[str], object]] = {
    "value": _number,
    "timestamp": _time,
    "expires_at": _time,
    "hidden": _truth,
    "categories": _categories,
}
"""How texts are read in fields that have another type."""
