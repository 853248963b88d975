"""Streams of bytes that are unpacked, decoded or split into lines while they are read."""

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from typing import Any, BinaryIO

from app.api.schemas.fields import valid_encoding
from app.entry.files.rows import FileError

BLOCK_BYTES = 1024 * 1024
MAX_LINE_BYTES = 16 * 1024 * 1024
NO_PYARROW = (
    "needs the package pyarrow, which this installation does not have. Convert the file to CSV or gzip; in AWS, deploy "
    "the image instead of the zip package."
)
TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},]', re.DOTALL)
"""A whole string of JSON, a quote of a string that has not ended yet, or what divides objects and arrays."""
LINE_ENDS = bytes.maketrans(b"\r\n", b"\t\t")
"""In JSON, a line end is a space outside of strings and refused inside, and so is a tab."""


class Forward(io.RawIOBase):
    """Bytes that can only be read from the beginning."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        content = self.next(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def next(self, size: int) -> bytes:
        """Returns at most `size` bytes, and none only at the end."""
        raise NotImplementedError


class Unpacked(Forward):
    def __init__(self, name: str, packing: str, packed: BinaryIO) -> None:
        self._name, self._packing = name, packing
        self._file: Any
        if packing == "gzip":
            self._file = gzip.GzipFile(fileobj=packed)
        elif packing == "bzip2":
            self._file = bz2.BZ2File(packed)
        elif packing == "xz":
            self._file = lzma.LZMAFile(packed)  # noqa: SIM115 - read until the file is closed
        else:  # the standard library reads zstd from Python 3.14 on
            pyarrow = loaded_pyarrow(name)
            self._file = pyarrow.CompressedInputStream(pyarrow.PythonFile(packed, mode="r"), packing)

    def next(self, size: int) -> bytes:
        try:
            return bytes(self._file.read(size))
        except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, OSError) as error:
            raise FileError(f"{self._name} cannot be unpacked as {self._packing}: {error}.") from error


class Transcoded(Forward):
    def __init__(self, name: str, encoding: str, file: BinaryIO) -> None:
        try:
            self._decoder = codecs.getincrementaldecoder(valid_encoding(encoding))()
        except ValueError as error:
            raise FileError(f"{error}.") from error
        self._name, self._encoding, self._file, self._rest = name, encoding, file, b""

    def next(self, size: int) -> bytes:
        while not self._rest:
            packed = self._file.read(BLOCK_BYTES)
            try:
                self._rest = self._decoder.decode(packed, final=not packed).encode()
            except UnicodeError as error:
                raise FileError(f"{self._name} is not {self._encoding} text: {error}.") from error
            if not packed:
                break
        content, self._rest = self._rest[:size], self._rest[size:]
        return content


class ArrayLines(Forward):
    """A JSON array as lines with an element each."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self._name, self._file = name, file
        self._lines = self._unfinished = b""
        self._depth, self._has_ended = 0, False

    def next(self, size: int) -> bytes:
        while not self._lines:
            block = self._file.read(BLOCK_BYTES)
            if not block and not self._has_ended:
                raise FileError(f"{self._name} ends inside its JSON array, so some of it is missing.")
            if not block:
                break
            self._lines = self._split(self._unfinished + block)
        content, self._lines = self._lines[:size], self._lines[size:]
        return content

    def _split(self, text: bytes) -> bytes:
        """Returns the next text with a line end after each element, as far as its strings are complete."""
        parts, start, end = list[bytes](), 0, len(text)
        for matched in () if self._has_ended else TOKEN.finditer(text):
            token = matched[0]
            if token == b'"':
                end = matched.start()
                break
            if token in b"[{":
                self._depth += 1
                start = start if self._depth > 1 else matched.end()
            elif token in b"]}":
                self._depth -= 1
            if self._depth == 0 or (token == b"," and self._depth == 1):
                parts += [text[start : matched.start()].translate(LINE_ENDS), b"\n"]
                start = matched.end()
            if self._depth == 0:
                self._has_ended = True
                break
        if self._has_ended and text[start:].strip():
            raise FileError(f"{self._name} has text after its JSON array.")
        self._unfinished = text[end:]
        if len(self._unfinished) > MAX_LINE_BYTES:
            raise FileError(f"{self._name} has a text of more than {MAX_LINE_BYTES:,} bytes.")
        return b"".join((*parts, text[start:end].translate(LINE_ENDS)))


def loaded_pyarrow(name: str) -> Any:  # noqa: ANN401 - a module
    """Returns pyarrow, which is slow to load and needed by few files. Raises FileError if it is not installed."""
    try:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        raise FileError(f"{name} {NO_PYARROW}") from error
    return pa
