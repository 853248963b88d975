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
from app.entry.local.dynamodb import FILE, Emulator
from app.storage.database import Raw

SALT = b"LocalDdb"
FORMAT = "v2.4.0"
CACHE_KIB = 64_000
WAIT_SECONDS = 10.0


def load(emulator: Emulator, folder: Path, table: str, rows: Sequence[Raw]) -> None:
    """Puts rows into a table while the emulator is stopped."""
    with emulator.stopped():
        DatabaseFile(folder, SYSTEM_CLOCK).put(table, rows)


@dataclass(frozen=True)
class _Layout:
    """How the emulator stores the rows of a table."""

    columns: Mapping[str, str]
    """Names of columns by the attributes that are keys of the table or of an index."""
    hash_key: str
    range_key: str
    stream: str
    shard: str

    @classmethod
    def of(cls, connection: sqlite3.Connection, table: str) -> "_Layout":
        info = connection.execute("SELECT TableInfo FROM dm WHERE TableName = ?", (table,)).fetchone()
        active = connection.execute(
            "SELECT StreamID, ShardID FROM ss JOIN sm USING (StreamID)"
            " WHERE TableName = ? AND StreamStatus = 'ENABLED' AND SequenceNumberEnd IS NULL"
            " ORDER BY InitialSequenceNumberStart DESC LIMIT 1",
            (table,),
        ).fetchone()
        if info is None or active is None:
            raise SetupError(f"The table {table} or its stream is missing. Create it with `serendip migrate`.")
        elements = [element for index in orjson.loads(info[0])["SQLiteIndex"].values() for element in index]
        columns = {element["DynamoDBAttribute"]["AttributeName"]: element["SQLiteColumnName"] for element in elements}
        keys = {column: name for name, column in columns.items()}
        return cls(columns, keys["hashKey"], keys["rangeKey"], *active)


class DatabaseFile:
    """The file of one local database."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path, self._clock = folder / FILE, clock

    def put(self, table: str, rows: Iterable[Raw]) -> int:
        """Puts rows into a table with a range key, an index and a stream, all or none; returns how many changed.

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
            raise SetupError(f"{self._path} cannot be written: {error}.") from error

    def _put(self, connection: sqlite3.Connection, table: str, rows: Iterable[Raw]) -> int:
        layout = _Layout.of(connection, table)
        find = f'SELECT ObjectJSON FROM "{table}" WHERE hashKey = ? AND rangeKey = ?'  # noqa: S608 - our own table
        names = ("hashValue", "rangeValue", "hashRangeValue", "itemSize", "ObjectJSON", *layout.columns.values())
        put = f'INSERT OR REPLACE INTO "{table}" ({", ".join(names)}) VALUES ({", ".join("?" * len(names))})'  # noqa: S608
        record = "INSERT INTO us VALUES (?, ?, ?, ?, ?, ?)"
        time, last = int(self._clock.now().timestamp() * 1_000), _last_sequence(connection)
        sequence = last
        for written in rows:
            row = {name: _normal(value) for name, value in written.items()}
            owner, position = (row[name]["S"].encode() for name in (layout.hash_key, layout.range_key))
            stored = connection.execute(find, (owner, position)).fetchone()
            old = orjson.loads(stored[0]) if stored else None
            if old == row:
                continue
            digests = _sha1(owner), _sha1(position)
            keys = [row[name]["S"].encode() if name in row else None for name in layout.columns]
            content = orjson.dumps(row)
            connection.execute(put, (*digests, _sha1(*digests), _size(row), content, *keys))
            sequence += 1
            image = _record(row, old, (layout.hash_key, layout.range_key))
            kind = "MODIFY" if old else "INSERT"
            connection.execute(record, (layout.stream, layout.shard, sequence, time, image, kind))
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


def _normal(value: Mapping[str, Any]) -> dict[str, str]:
    """Returns a text or number as DynamoDB stores it: numbers without an exponent or trailing zeros."""
    ((kind, content),) = value.items()
    if kind == "N":
        return {"N": format(Decimal(content).normalize(), "f") if Decimal(content) else "0"}
    if kind != "S":
        raise TypeError(f"values of type {kind} cannot be loaded")
    return {"S": content}


def _size(row: Raw) -> int:
    """Returns the bytes of a row's names and values, as DynamoDB counts them."""
    return sum(
        len(name.encode()) + (len(value["S"].encode()) if "S" in value else _number_size(value["N"]))
        for name, value in row.items()
    )


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
