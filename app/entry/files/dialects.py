"""Recognizes how a file is written from its first bytes: Parquet, JSON, or text with a delimiter."""

import codecs
import csv
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from app.entry.files.contents import Content, Opened
from app.entry.files.rows import FileError, FileUnused
from app.entry.files.streams import MAX_LINE_BYTES

PARQUET, JSON, TEXT = "parquet", "jsonl", "text"
PARQUET_MAGIC = b"PAR1"
ARRAY = re.compile(rb"(\xef\xbb\xbf)?\s*\[\s*[{\]]")
ARRAY_BYTES = 4096
SEPARATOR = re.compile(r'"?sep=(\\t|.)"?', re.IGNORECASE)
"""The first line of files for Excel, which names the delimiter."""
HEAD_LINES = 1_000
HEAD_BYTES = 256 * 1024
DELIMITERS = (",", "\t", ";", "|")
DOUBLE_COLON = "::"
"""MovieLens' delimiter, which never stands in quotes."""
BOM = codecs.BOM_UTF8.decode()
MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
ENCODINGS = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "shift_jis", "gb18030", "euc_kr", "mac_roman")
"""Of files that are not UTF-8: Western and Central European, Cyrillic, Greek, Turkish, Japanese, Chinese, Korean."""
NOT_ASCII = re.compile(rb"""[^\s,;|"]*[\x80-\xff]+[^\s,;|"]*""")
FORMATS = {"csv": TEXT, "tsv": TEXT, "jsonl": JSON, "parquet": PARQUET}
"""The formats that a job may state."""


@dataclass(frozen=True)
class Dialect:
    """How a file is written."""

    format: str
    encoding: str | None
    """None for UTF-8."""
    delimiter: str = ","
    head: tuple[str, ...] = ()
    """The first lines of a text, with their line ends, or the first objects of JSON Lines."""
    undecodable: FileError | None = None
    """The error of the first of these lines that is not UTF-8; then all of them were read as Latin-1."""
    is_array: bool = False
    """Whether the objects of JSON stand in an array."""
    skipped: int = 0
    """Lines before the first of these that say how the text is written."""


def recognized(content: Content, encoding: str | None) -> Dialect:
    """Returns the dialect of a file, whatever its name is.

    Raises:
        FileError: the file is empty, or in none of these dialects.
    """
    if not content.size:
        raise FileUnused(f"{content.name} is empty.")
    opened = Opened(content, None)
    try:
        start, packing = opened.bytes.read(4), opened.packing
    finally:
        opened.close()
    if start == PARQUET_MAGIC and packing is not None:
        raise FileError(
            f"{content.name} is a Parquet file packed with {packing}. Unpack it first: Parquet is compressed by itself."
        )
    if start == PARQUET_MAGIC:
        return Dialect(PARQUET, None)
    encoding = encoding or MARKS.get(start[:2])
    is_array = _is_array(content, encoding)
    opened = Opened(content, encoding, is_array=is_array)
    try:
        head, bad_line = _head(content.name, opened, encoding)
    finally:
        opened.close()
    filled = [line for line in head if line.strip()]
    if not filled:
        raise FileUnused(f"{content.name} is empty.")
    named = SEPARATOR.fullmatch(filled[0].strip())
    if named is not None and len(filled) > 1:
        return Dialect(TEXT, encoding, named[1].replace("\\t", "\t"), tuple(filled[1:]), bad_line, skipped=1)
    first = filled[0].lstrip()
    if first.startswith("{"):
        return Dialect(JSON, encoding, head=head, undecodable=bad_line, is_array=is_array)
    if first.startswith("["):
        raise FileError(f"{content.name} begins with '[' and is not a JSON array of objects.")
    if first.startswith("<"):
        raise FileUnused(f"{content.name} is HTML or XML. Export the data as CSV.")
    if "\x00" in first or ("\r" in first and not first.endswith("\r\n")):
        fault = "has NUL bytes in its first line" if "\x00" in first else "ends its lines with CR alone"
        utf_16 = ", or name its encoding (utf-16-le or utf-16-be)" if "\x00" in first else ""
        raise FileError(f"{content.name} {fault}, so it is not text in a known form. Save it as CSV (UTF-8){utf_16}.")
    return Dialect(TEXT, encoding, delimiter_of(first), head, bad_line)


def _is_array(content: Content, encoding: str | None) -> bool:
    """Whether a text begins as an array of JSON objects."""
    opened = Opened(content, encoding)
    try:
        return ARRAY.match(opened.bytes.read(ARRAY_BYTES)) is not None
    finally:
        opened.close()


def read_line(name: str, file: BinaryIO, number: int) -> bytes:
    """Reads the line with a number; empty at the end. Raises FileError if it is too long."""
    line = file.readline(MAX_LINE_BYTES)
    if len(line) == MAX_LINE_BYTES:
        raise FileError(f"{name}, line {number} is longer than {MAX_LINE_BYTES:,} bytes.")
    return line


def undecodable(name: str, number: int, line: bytes) -> FileError:
    """Returns the error of a line that is not UTF-8, with its first such word as other encodings read it."""
    readings = dict[str, list[str]]()
    word = next(iter(NOT_ASCII.findall(line)), b"")
    for encoding in ENCODINGS:
        with suppress(UnicodeDecodeError):
            text = word.decode(encoding)
            if text.isprintable():
                readings.setdefault(text, []).append(encoding)
    shown = ", ".join(f"{text!r:.40} ({', '.join(encodings)})" for text, encodings in readings.items())
    reads = f" In other encodings it reads {shown}." if shown else ""
    return FileError(
        f'{name}, line {number} is not UTF-8 text.{reads} Name the right one: --encoding NAME (in a job: "encoding").'
    )


def _head(name: str, opened: Opened, encoding: str | None) -> tuple[tuple[str, ...], FileError | None]:
    """Returns the first lines, and the error of the first one that is not UTF-8."""
    lines, size, bad_line = list[bytes](), 0, None
    while len(lines) < HEAD_LINES and size < HEAD_BYTES:
        line = read_line(name, opened.bytes, len(lines) + 1)
        if not line:
            break
        size += len(line)
        lines.append(line)
        try:
            line.decode()
        except UnicodeDecodeError as error:
            if encoding is None and b"\x00" in line:
                raise FileError(f"{name} is neither text nor Parquet: its content does not match a format.") from error
            bad_line = bad_line or undecodable(name, len(lines), line)
    text = [line.decode("latin-1" if bad_line else "utf-8") for line in lines]
    if text:
        text[0] = text[0].removeprefix(BOM)
    return tuple(text), bad_line


def delimiter_of(line: str) -> str:
    """The delimiter that splits a line into most fields; a comma for a single field."""
    if line.count(DOUBLE_COLON) > 1:
        return DOUBLE_COLON
    return max(DELIMITERS, key=lambda delimiter: len(split(line, delimiter)))


def split(line: str, delimiter: str, *, quoted: bool = True) -> list[str]:
    """Returns the fields of one line, as they are if its quotes are not balanced."""
    line = line.rstrip("\r\n")
    if delimiter == DOUBLE_COLON or not quoted:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True), [])
    except csv.Error:
        return line.split(delimiter)
