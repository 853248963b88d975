"""Rows of delimited text and of JSON Lines, with their places, so that reading can resume after any row.

Python's own CSV reader: pyarrow's gives neither lines nor places, and guesses types that codes lose (decision 29).
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from app.domain.fields import RepeatedName
from app.entry.files import json_values
from app.entry.files.dialects import BOM, DOUBLE_COLON, read_line, undecodable
from app.entry.files.rows import FileError, FileRow, Place
from app.entry.files.streams import MAX_LINE_BYTES

AFTER_QUOTE = 'has text after a closing quote; write a quote (") inside a cell twice'
LINE_END = "has a line end of another kind inside (CR); end all lines in the same way"
LINE_END_FOUND = "new-line character seen"
FORMULA = '="'
"""Begins a cell that Excel shall show as text: ="00123"."""

csv.field_size_limit(MAX_LINE_BYTES)


class _Lines:
    """The lines of a file as text, with the place after the last one."""

    def __init__(self, name: str, file: BinaryIO, start: Place) -> None:
        self._name, self._file = name, file
        self.position, self.number = start.position, start.line
        self.record: list[str] = []
        """The lines since this list was cleared."""

    @property
    def text(self) -> str:
        return "".join(self.record).rstrip("\r\n")

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = read_line(self._name, self._file, self.number + 1)
        if not line:
            raise StopIteration
        self.number += 1
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise undecodable(self._name, self.number, line) from error
        if not self.position:
            text = text.removeprefix(BOM)
        self.position += len(line)
        self.record.append(text)
        return text


def of_text(
    name: str, file: BinaryIO, start: Place, delimiter: str, columns: Sequence[str], *, quoted: bool
) -> Iterator[FileRow]:
    """Yields the rows of delimited text from a place on; the caller has skipped the header.

    Raises:
        FileError: a quote is not closed, or the text cannot be decoded.
    """
    lines = _Lines(name, file, start)
    width = len(columns)
    for fields, error, first, size in _records(name, lines, delimiter, quoted=quoted):
        place = Place(lines.position, lines.number)
        if error is not None:
            yield FileRow(first, {}, error, place, size, text=lines.text)
        elif len(fields) == width and (fields[0] or any(map(str.strip, fields))):
            yield FileRow(first, dict(zip(columns, fields, strict=True)), None, place, size)
        elif any(map(str.strip, fields)):  # otherwise a blank line
            plural = "field" if len(fields) == 1 else "fields"
            yield FileRow(first, {}, f"has {len(fields)} {plural}, {width} are expected", place, size, text=lines.text)


def _records(
    name: str, lines: _Lines, delimiter: str, *, quoted: bool
) -> Iterator[tuple[list[str], str | None, int, int]]:
    """Yields each record with its error, first line and size."""
    following = _splitter(lines, delimiter) if delimiter == DOUBLE_COLON or not quoted else _parser(lines, delimiter)
    while True:
        first, position = lines.number + 1, lines.position
        lines.record.clear()
        try:
            fields = following()
        except StopIteration:
            return
        except csv.Error as error:
            opened = _open_quote(lines.record, delimiter)
            if opened is not None:
                raise FileError(
                    f'{name}, line {first + opened}: a quote (") opens here and is not closed, so the rows after it '
                    "would become part of one cell. Close it, or write a quote inside a cell twice."
                ) from error
            yield [], LINE_END if LINE_END_FOUND in str(error) else AFTER_QUOTE, first, 0
        else:
            if FORMULA in lines.record[0] or len(lines.record) > 1:
                fields = list(map(_without_formula, fields))
            yield fields, None, first, lines.position - position


def _without_formula(cell: str) -> str:
    return cell[2:-1] if cell.startswith(FORMULA) and cell.endswith('"') and len(cell) > len(FORMULA) else cell


def _parser(lines: _Lines, delimiter: str) -> Callable[[], list[str]]:
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True).__next__


def _splitter(lines: _Lines, delimiter: str) -> Callable[[], list[str]]:
    return lambda: next(lines).rstrip("\r\n").split(delimiter)


def _open_quote(record: Sequence[str], delimiter: str) -> int | None:
    """The line of a broken record, from 0, with the quote that is not closed. None if all stands in one line."""
    inside, opened, at_start = False, 0, True
    for number, line in enumerate(record):
        for position, character in enumerate(line):
            if character == '"' and inside:
                inside = False
            elif character == '"' and (at_start or line[position - 1 : position] == '"'):
                opened, inside = (number if at_start else opened), True
            at_start = not inside and (character in {delimiter, "\n"} or (at_start and character == " "))
    return opened if inside or len(record) > 1 else None


def of_json(name: str, file: BinaryIO, start: Place) -> Iterator[FileRow]:
    """Yields the rows of JSON Lines: one object a line."""
    position, number = start.position, start.line
    while line := read_line(name, file, number + 1):
        content = line.removeprefix(BOM.encode()) if not position else line
        position, number = position + len(line), number + 1
        if not content.strip():
            continue
        place, size = Place(position, number), len(line)
        try:
            fields = json_values.parsed(content)
        except RepeatedName as error:
            yield FileRow(number, {}, f"is ambiguous: {error}", place, size, text=_text(content))
            continue
        except (ValueError, RecursionError) as error:
            yield FileRow(number, {}, f"is not JSON: {getattr(error, 'msg', error)}", place, size, text=_text(content))
            continue
        if isinstance(fields, dict):
            yield FileRow(number, fields, None, place, size)
        else:
            yield FileRow(number, {}, "is not a JSON object", place, size, text=_text(content))


def _text(content: bytes) -> str:
    return content.decode(errors="replace").rstrip("\r\n")
