"""The files of a path: one file, or all files of a folder that can be imported, items first."""

from dataclasses import replace
from pathlib import Path

from app.entry.files import contents
from app.entry.files.columns import check_fields, check_mapping
from app.entry.files.layouts.layout import BOTH, EVENTS, ITEMS, USERS
from app.entry.files.reader import Options, Reader
from app.entry.files.rows import FileError, FileUnused
from app.entry.jobs.rejects import ENDING

ENDINGS = {".csv", ".tsv", ".txt", ".psv", ".jsonl", ".ndjson", ".json", ".parquet", ".pq", ".dat"}
ENDINGS_OF_MOVIELENS = {".data", ".item", ".user"}
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
    try:
        entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from error
    readers, unused, names = list[tuple[Path, Reader]](), list[str](), list[str]()
    for file in entries:
        reason = _why_unused(file)
        if reason is not None:
            unused.append(f"{file.name} is not used: {reason}")
        else:
            try:
                reader = Reader(contents.of_path(file), replace(options, is_in_folder=True))
            except FileUnused as error:
                unused.append(f"{file.name} is not used: it {str(error).removeprefix(f'{file.name} ')}")
            else:
                readers.append((file, reader))
                names += reader.names
    if not readers:
        raise FileError(f"There is nothing to import in {path}. {' '.join(unused)}".rstrip())
    check_mapping(f"No file in {path} that can be imported", names, options.mapping)
    readers.sort(key=lambda pair: ORDER.index(pair[1].plan.kind))
    return readers, unused


def _why_unused(entry: Path) -> str | None:
    """Says why an entry of a folder is not even opened. None if it may be data."""
    if entry.is_dir():
        return "folders inside a folder are not read; import them by themselves."
    if entry.is_symlink() and not entry.exists():
        return "it is a link to a file that does not exist."
    if not entry.is_file():
        return "it is neither a file nor a folder."
    if not _may_be_data(entry):
        return "its ending is not one of a data file."
    return "it has the rejected rows of an import." if entry.name.endswith(ENDING) else None


def _may_be_data(file: Path) -> bool:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    ending = suffixes[-1] if suffixes else ""
    return ending in ENDINGS or (ending in ENDINGS_OF_MOVIELENS and file.name.startswith("u."))
