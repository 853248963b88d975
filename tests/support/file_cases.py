"""Files with what is read from them, for tables of cases."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from app.entry.files.reader import Options
from app.entry.files.rows import FileError
from tests.support.files import read, written

EVENTS = "user_id,item_id\nann,tea\n"
PAIR = [("ann", "tea")]


@dataclass
class Case:
    """A file with what is read from it, and what is rejected or refused."""

    content: str | bytes
    holds: Callable[[list[Any]], bool] = lambda records: not records
    rejects: tuple[str, ...] = ()
    """A part of each reason."""
    refused: str = ""
    """A part of the error."""
    options: Options = field(default_factory=Options)

    def check(self, folder: Path) -> None:
        path = written(folder, "x.csv", self.content)
        if self.refused:
            with pytest.raises(FileError, match=self.refused):
                read(path, self.options)
            return

        records, bad = read(path, self.options)

        assert self.holds(records), records
        assert len(bad) == len(self.rejects), bad
        for (_, reason), part in zip(bad, self.rejects, strict=True):
            assert part in reason


def pairs(records: list[Any]) -> list[tuple[str, str]]:
    return [(record.owner, record.item_id) for record in records]


def loads_pair(records: list[Any]) -> bool:
    return pairs(records) == PAIR


def properties(records: list[Any]) -> list[Any]:
    return [record.properties for record in records]


def days(records: list[Any]) -> list[tuple[int, int]]:
    return [(record.timestamp.month, record.timestamp.day) for record in records]


def table(**columns: Any) -> bytes:
    """A Parquet file."""
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())


def zstd(text: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(text.encode())
    return bytes(sink.getvalue().to_pybytes())
