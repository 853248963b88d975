"""Writes many rows at once into the database file of DynamoDB Local, which must not run meanwhile.

The emulator spends three transactions on each row that it puts, and several times its bare cost on interpreting each
request. This writes what the emulator would have written, in one transaction: rows, index entries and stream records.
The format is that of the pinned version; `tests/entry/local/test_database_file.py` compares both byte by byte.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha1
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from app.clock import SYSTEM_CLOCK, Clock
from app.entry.errors import SetupError
from app.entry.local import disk
from app.entry.local.dynamodb import FILE, Emulator, StartError
from app.errors import Unavailable
from app.storage.database import Raw

SALT = b"LocalDdb"
FORMAT = "v2.4.0"
BOOLEAN_BYTES, LIST_BYTES, ELEMENT_BYTES = 1, 3, 1
CACHE_KIB = 64_000
WAIT_SECONDS = 10.0


def load(emulator: Emulator, folder: Path, table: str, rows: Sequence[Raw]) -> None:
    """Puts rows into a table while the emulator is stopped.

    Raises:
        SetupError: the file cannot be written.
        Unavailable: the emulator did not start again. The rows can be put again.
    """
    try:
        with emulator.stopped():
            DatabaseFile(folder, SYSTEM_CLOCK).put(table, rows)
    except StartError as error:
        raise Unavailable(str(error)) from error


@dataclass(frozen=True)
class _Layout:
    """How the emulator stores the rows of a table."""

    keys: Sequence[str]
    """The partition key, and the sort key if there is one."""
    columns: Mapping[str, str]
    """Names of columns by the attributes that are keys of the table or of an index."""
    stream: tuple[str, str] | None
    """The ids of the stream and of its open shard; None if the table has no stream."""

    @classmethod
    def of(cls, connection: sqlite3.Connection, table: str) -> "_Layout":
        info = connection.execute("SELECT TableInfo FROM dm WHERE TableName = ?", (table,)).fetchone()
        has_stream = connection.execute("SELECT 1 FROM sm WHERE TableName = ?", (table,)).fetchone() is not None
        stream = connection.execute(
            "SELECT StreamID, ShardID FROM ss JOIN sm USING (StreamID)"
            " WHERE TableName = ? AND StreamStatus = 'ENABLED' AND SequenceNumberEnd IS NULL"
            " ORDER BY InitialSequenceNumberStart DESC LIMIT 1",
            (table,),
        ).fetchone()
        if info is None or (has_stream and stream is None):
            raise SetupError(f"The table {table} or its stream is missing. Create it with `serendip migrate`.")
        elements = [element for index in orjson.loads(info[0])["SQLiteIndex"].values() for element in index]
        columns = {element["DynamoDBAttribute"]["AttributeName"]: element["SQLiteColumnName"] for element in elements}
        names = {column: name for name, column in columns.items()}
        keys = [names[column] for column in ("hashKey", "rangeKey") if column in names]
        return cls(keys, columns, stream)

    def find(self, table: str) -> str:
        """The statement that reads a row by its keys."""
        condition = " AND ".join(f"{self.columns[name]} = ?" for name in self.keys)
        return f'SELECT ObjectJSON FROM "{table}" WHERE {condition}'  # noqa: S608 - our own table

    def put(self, table: str) -> str:
        """The statement that puts a row."""
        digests = ("hashValue", "rangeValue", "hashRangeValue") if len(self.keys) > 1 else ("hashValue",)
        names = (*digests, "itemSize", "ObjectJSON", *self.columns.values())
        return f'INSERT OR REPLACE INTO "{table}" ({", ".join(names)}) VALUES ({", ".join("?" * len(names))})'  # noqa: S608


class DatabaseFile:
    """The file of one local database."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path, self._clock = folder / FILE, clock

    def put(self, table: str, rows: Iterable[Raw]) -> int:
        """Puts rows into a table, all or none; returns how many changed.

        A row that is stored already changes nothing, as in DynamoDB.

        Raises:
            SetupError: the file cannot be written, or another version of the emulator wrote it.
        """
        try:
            with closing(sqlite3.connect(self._path, WAIT_SECONDS, isolation_level=None)) as connection:
                if connection.execute("SELECT version FROM cf").fetchone() != (FORMAT,):
                    raise SetupError(f"{self._path} was written by another version of DynamoDB Local. Remove it.")
                connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
                connection.execute("BEGIN IMMEDIATE")
                changed = self._put(connection, table, rows)
                connection.execute("COMMIT")
                return changed
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise SetupError(disk.message(self._path.parent)) from error
            raise SetupError(f"{self._path} cannot be written: {error}.") from error

    def _put(self, connection: sqlite3.Connection, table: str, rows: Iterable[Raw]) -> int:
        layout = _Layout.of(connection, table)
        find, put, record = layout.find(table), layout.put(table), "INSERT INTO us VALUES (?, ?, ?, ?, ?, ?)"
        time, last = int(self._clock.now().timestamp() * 1_000), _last_sequence(connection)
        sequence = last
        for written in rows:
            row = {name: _normal(value) for name, value in written.items()}
            keys = [row[name]["S"].encode() for name in layout.keys]
            stored = connection.execute(find, keys).fetchone()
            old = orjson.loads(stored[0]) if stored else None
            if old == row:
                continue
            digests = [_sha1(key) for key in keys]
            if len(digests) > 1:
                digests.append(_sha1(*digests))
            indexed = [row[name]["S"].encode() if name in row else None for name in layout.columns]
            connection.execute(put, (*digests, _size(row), orjson.dumps(row), *indexed))
            sequence += 1
            if layout.stream is not None:
                image = _record(row, old, layout.keys)
                connection.execute(record, (*layout.stream, sequence, time, image, "MODIFY" if old else "INSERT"))
        return sequence - last


def _last_sequence(connection: sqlite3.Connection) -> int:
    """Returns the highest sequence number of all streams, which share one counter."""
    (last,) = connection.execute(
        "SELECT max(coalesce((SELECT max(SequenceNumber) FROM us), 0),"
        " coalesce((SELECT max(max(InitialSequenceNumberStart, coalesce(SequenceNumberEnd, 0))) FROM ss), 0))"
    ).fetchone()
    return int(last)


def _record(row: Raw, old: Raw | None, keys: Sequence[str]) -> bytes:
    content: dict[str, Any] = {"Keys": {name: row[name] for name in keys}, "NewImage": row}
    if old:
        content["OldImage"] = old
    content["SizeBytes"] = sum(map(_size, content.values()))
    content["StreamViewType"] = "NEW_AND_OLD_IMAGES"
    return orjson.dumps({"EventID": str(uuid4()), "version": "1.1", "Dynamodb": content})


def _normal(value: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a value as DynamoDB stores it: numbers without an exponent or trailing zeros."""
    ((kind, content),) = value.items()
    if kind == "N":
        return {"N": format(Decimal(content).normalize(), "f") if Decimal(content) else "0"}
    if kind == "L":
        return {"L": [_normal(element) for element in content]}
    if kind not in {"S", "BOOL"}:
        raise TypeError(f"values of type {kind} cannot be loaded")
    return {kind: content}


def _size(row: Raw) -> int:
    """Returns the bytes of a row's names and values, as DynamoDB counts them."""
    return sum(len(name.encode()) + _value_size(value) for name, value in row.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return _number_size(content)
    if kind == "L":
        return LIST_BYTES + sum(ELEMENT_BYTES + _value_size(element) for element in content)
    return BOOLEAN_BYTES


def _number_size(text: str) -> int:
    """Returns the bytes of a number: one, and one for each pair of significant digits and for a negative sign."""
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = whole.rjust(len(whole) + len(whole) % 2, "0") + fraction.ljust(len(fraction) + len(fraction) % 2, "0")
    pairs = [digits[start : start + 2] != "00" for start in range(0, len(digits), 2)]
    if True not in pairs:
        return 1
    significant = len(pairs) - pairs.index(True) - pairs[::-1].index(True)
    return 1 + significant + text.startswith("-")


def _sha1(*parts: bytes) -> bytes:
    return sha1(SALT + b"".join(parts), usedforsecurity=False).digest()
