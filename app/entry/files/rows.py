"""Rows of a file, and the error of files that cannot be read."""

from dataclasses import dataclass
from typing import Any, NamedTuple


class FileError(Exception):
    """The file cannot be read; the message says why and what to do."""


class FileUnused(FileError):
    """The file has nothing to import; among other files of a folder, it is left out."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place between two rows of a file."""

    position: int = 0
    """Bytes of the unpacked text before this place, or rows of a Parquet file."""
    line: int = 0
    """Lines (rows of a Parquet file) before this place."""


class FileRow(NamedTuple):
    """One row of a file: its fields, or what is wrong with it."""

    number: int
    """Its first line, counted from 1."""
    fields: dict[str, Any]
    error: str | None
    end: Place
    size: int
    """Bytes, for Parquet on average."""
    is_header: bool = False
    """Whether it repeats the header line, as in files that were joined; then it has no fields."""
    text: str = ""
    """The text of a row with an error."""
