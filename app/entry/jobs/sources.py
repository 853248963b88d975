"""The files of a path: one file, or all files of a folder that can be imported, items first."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from app.entry.files import contents
from app.entry.files.cells.column_types import ColumnTypes
from app.entry.files.columns import check_fields, check_mapping
from app.entry.files.layouts.layout import BOTH, EVENTS, ITEMS, USERS
from app.entry.files.reader import Options, Reader
from app.entry.files.rows import FileError, FileUnused
from app.entry.jobs.rejects import ENDING

ENDINGS = {".csv", ".tsv", ".txt", ".psv", ".jsonl", ".ndjson", ".json", ".parquet", ".parq", ".pq", ".dat", ""}
"""Engines write parts of tables without an ending, such as part-00000 or 000000_0.gz."""
NUMBERED = re.compile(r"\.c?\d+")
"""An ending of parts, such as export.csv.000."""
DOCUMENTS = {"AUTHORS", "CHANGELOG", "COPYING", "LICENSE", "MAKEFILE", "NOTICE", "README"}
TABLES = {"_delta_log": "a Delta Lake", ".hoodie": "an Apache Hudi"}
"""What the folder of a table holds, whose files may have rows that were deleted since."""
ENDINGS_OF_MOVIELENS = {".data", ".item", ".user"}
HIDDEN = (".", "_")
"""Names of files that are about other files, such as _SUCCESS, begin so."""
NOTHING_LOADED = "Nothing was loaded: repair this file or take it away, and import again."
PACKED = {".gz", ".zst", ".bz2", ".xz"}
ORDER = (ITEMS, USERS, BOTH, EVENTS)


def of(path: Path, options: Options) -> tuple[list[tuple[Path, Reader]], list[str]]:
    """Returns the files to import with their readers, and a sentence for each entry of a folder that is not used.

    Raises:
        FileError: there is nothing to import, a file cannot be read, or a mapping is wrong.
    """
    check_fields(options.mapping)
    if not path.exists():
        raise FileError(f"{path} does not exist.")
    if not path.is_dir():
        return [(path, Reader(contents.of_path(path), options))], []
    readers, unused, names = list[tuple[Path, Reader]](), list[str](), list[str]()
    for file in _entries(path):
        reason = _why_unused(file)
        if reason is not None:
            unused.append(f"{file.name} is not used: {reason}")
        else:
            try:
                reader = Reader(contents.of_path(file), replace(options, is_in_folder=True))
            except FileUnused as error:
                unused.append(f"{file.name} is not used: it {str(error).removeprefix(f'{file.name} ')}")
            except FileError as error:
                raise FileError(f"{error} {NOTHING_LOADED}") from error
            else:
                readers.append((file, reader))
                names += reader.names
    if not readers:
        raise FileError(f"There is nothing to import in {path}. {' '.join(unused)}".rstrip())
    check_mapping(f"No file in {path} that can be imported", names, options.mapping)
    readers.sort(key=lambda pair: ORDER.index(pair[1].plan.kind))
    return readers, unused


def _entries(folder: Path) -> list[Path]:
    """Raises FileError if the folder cannot be read, or holds a table that its files alone do not tell."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise FileError(f"{folder} cannot be read: {error.strerror}.") from error
    table = next((TABLES[entry.name] for entry in entries if entry.name in TABLES), None)
    if table is not None:
        raise FileError(
            f"{folder} is {table} table, whose files may hold rows that were changed or deleted since. Export its "
            "current rows as Parquet or CSV, and import those."
        )
    return [entry for entry in entries if not entry.name.startswith(HIDDEN)]


def types_of(files: Sequence[tuple[Path, Reader]], report: Callable[[Path, float], None]) -> list[ColumnTypes]:
    """Returns the types of the columns of each file. Files with the same columns, as parts of a table have, share them.

    Args:
        files: the files.
        report: called with a file and the share of it that was read.

    Raises:
        FileError: a file cannot be read.
    """
    shared: dict[tuple[str, ...], ColumnTypes] = {}
    types = []
    for file, reader in files:
        columns = (reader.plan.kind, reader.format, *reader.names)
        try:
            shared[columns] = reader.types(partial(report, file), shared.get(columns))
        except FileError as error:
            if len(files) == 1:
                raise
            raise FileError(f"{error} {NOTHING_LOADED}") from error
        report(file, 1.0)
        types.append(shared[columns])
    return types


def _why_unused(entry: Path) -> str | None:
    """Says why an entry of a folder is not even opened. None if it may be data."""
    if entry.is_dir():
        return "folders inside a folder are not read; import them by themselves."
    if entry.is_symlink() and not entry.exists():
        return "it is a link to a file that does not exist."
    if not entry.is_file():
        return "it is neither a file nor a folder."
    if not _may_be_data(entry):
        return "its name is not that of a data file."
    return "it has the rejected rows of an import." if entry.name.endswith(ENDING) else None


def _may_be_data(file: Path) -> bool:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    while suffixes and NUMBERED.fullmatch(suffixes[-1]):
        suffixes.pop()
    ending = suffixes[-1] if suffixes else ""
    if ending in {"", ".txt"} and file.stem.upper() in DOCUMENTS:
        return False
    return ending in ENDINGS or (ending in ENDINGS_OF_MOVIELENS and file.name.startswith("u."))
