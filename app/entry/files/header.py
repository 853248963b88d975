"""The names of the columns: the header line of a text, or the keys of JSON objects."""

import csv
import re
from collections.abc import Sequence
from itertools import product

import orjson

from app.entry.files.columns import ALIASES
from app.entry.files.dialects import DELIMITERS, DOUBLE_COLON, Dialect, delimiter_of, split
from app.entry.files.kinds import normalized
from app.entry.files.rows import FileError, FileUnused

WORD = re.compile(r"[\w-]+")
NAME = re.compile(r"\w+([ ./-]+\w+){0,4}")
"""The name of an only column."""
TABLE_ROWS = 100
TITLE_LINES = 10
"""At most so many lines stand before a header, besides comments."""
INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
"""Characters that nobody sees in the name of a column, which web pages and spreadsheets leave there."""


def names_of_text(file: str, dialect: Dialect) -> list[str]:
    """Returns the names in the first line of a text.

    Raises:
        FileError: the line has more than one delimiter.
        FileUnused: it cannot be a header.
    """
    first = next(line for line in dialect.head if line.strip())
    names = [INVISIBLE.sub("", name).strip() for name in split(first, dialect.delimiter)]
    for name, delimiter in product(names, DELIMITERS):
        if delimiter in name and any(map(_is_ours, name.split(delimiter))):
            raise FileError(f"{file} has {name!r} in its header. Use one delimiter, not also {delimiter!r}.")
    if len(names) == 1 and sum(map(_is_ours, WORD.findall(names[0]))) > 1:
        raise FileError(f"{file} has {names[0]!r} as its header. Use commas or tabs between the columns.")
    if _is_ours(names[0].lstrip("#")):
        names[0] = names[0].lstrip("# ")
    if dialect.delimiter == DOUBLE_COLON or all(map(_is_number, names)):
        raise FileUnused(f"{file} has no header line with the names of its columns, and no known layout.")
    return names


def names_of_json(file: str, dialect: Dialect) -> list[str]:
    """Returns the keys of the first objects. Raises FileError if none of the first lines is an object."""
    keys: dict[str, None] = {}
    objects = 0
    for line in dialect.head:
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(row, dict):
            keys |= dict.fromkeys(row)
            objects += 1
    if not objects:
        raise FileError(
            f"{file} is not JSON Lines: its first lines are not JSON objects. Write one object a line, or one array of "
            "objects."
        )
    return list(keys)


def explained(error: FileUnused, file: str, names: Sequence[str], dialect: Dialect) -> FileUnused:
    """Returns the error of a text whose names mean nothing, with what to do if its first line is no header."""
    before = _lines_before_header(dialect.head)
    if not any(map(_is_ours, names)) and not _is_table(dialect.head[before:]):
        return FileUnused(
            f"{file} does not look like a table: most of its lines do not have the same columns. Write the names of "
            "the columns into the first line, with commas or tabs between them."
        )
    if before:
        return FileUnused(
            f"{file} begins with {dialect.head[0].strip()!r:.60}, which names no columns; the header seems to be line "
            f"{before + 1}. Delete the lines before the header: tail -n +{before + 1} FILE > NEW_FILE"
        )
    if any(map(_is_number, names)):
        return FileUnused(f"{error} If the first line is data, write the names of the columns above it.")
    return error


def _lines_before_header(head: Sequence[str]) -> int:
    """How many lines of comments or titles a text begins with, as far as that is certain."""
    first = next(line for line in head if line.strip())
    if first.startswith("#"):
        return next((number for number, line in enumerate(head) if line.strip() and not line.startswith("#")), 0)
    titles = list(enumerate(head[: TITLE_LINES + 1]))
    if any(_filled(first, delimiter) > 1 for delimiter in DELIMITERS):
        return next((number for number, line in titles if sum(map(_is_ours, split(line, delimiter_of(line)))) > 1), 0)
    return next((number for number, line in titles if _filled(line, delimiter_of(line)) > 1), 0)


def _filled(line: str, delimiter: str) -> int:
    """How many fields of a line are not empty."""
    return sum(1 for field in split(line, delimiter) if field.strip())


def _is_table(head: Sequence[str]) -> bool:
    """Whether most rows have as many fields as the header, the first line that is not blank."""
    header = next(line for line in head if line.strip())
    delimiter = delimiter_of(header)
    try:
        rows = [row for row in csv.reader(head, delimiter=delimiter, skipinitialspace=True) if any(map(str.strip, row))]
    except csv.Error:
        return True
    names, *others = rows[:TABLE_ROWS]
    if len(names) == 1 and not NAME.fullmatch(names[0]):
        return False
    return not others or 2 * sum(len(row) == len(names) for row in others) > len(others)


def _is_ours(name: str) -> bool:
    return normalized(name) in ALIASES


def _is_number(name: str) -> bool:
    return name.replace(".", "").isdigit()
