"""The bytes of a file, on disk or in the store of uploads: unpacked and as UTF-8, readable from any place."""

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from app.api.schemas.fields import valid_encoding
from app.entry.files.rows import FileError, FileUnused

BLOCK_BYTES = 1024 * 1024
UNPACKERS: dict[bytes, str] = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
REFUSED: dict[bytes, str] = {
    b"PK\x03\x04": "is a ZIP archive or an Excel workbook. Unpack it, or save the sheet as CSV (UTF-8).",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook. Save the sheet as CSV (UTF-8).",
    b"SQLite format 3": "is an SQLite database. Export the table as CSV.",
    b"%PDF": "is a PDF document. Export the data as CSV.",
    b"ORC": "is an ORC file. Write it as Parquet.",
    b"Obj\x01": "is an Avro file. Write it as Parquet.",
}
NO_PYARROW = (
    "needs the package pyarrow, which this installation does not have. Convert the file to CSV or gzip; in AWS, deploy "
    "the image instead of the zip package."
)


class Readable(Protocol):
    """A store of uploaded files."""

    def read(self, name: str, start: int, size: int) -> bytes: ...


@dataclass(frozen=True)
class Content:
    """A file before it is opened."""

    name: str
    size: int
    open: Callable[[], BinaryIO]
    """Opens the packed bytes, which are seekable."""


def of_path(path: Path) -> Content:
    """Raises FileError if the file does not exist or may not be read."""
    try:
        with path.open("rb"):
            return Content(path.name, path.stat().st_size, lambda: path.open("rb", BLOCK_BYTES))
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from error


def of_upload(objects: Readable, name: str, size: int) -> Content:
    """An uploaded file, called `The file` because it has no name of its own."""
    return Content("The file", size, lambda: io.BufferedReader(_Upload(objects, name, size), BLOCK_BYTES))


class Opened:
    """An open file, unpacked and as UTF-8."""

    def __init__(self, content: Content, encoding: str | None) -> None:
        """`encoding`: None for UTF-8."""
        self._name, self._size = content.name, content.size
        self.packed = content.open()
        try:
            self.packing, self.bytes = self._unpacked(encoding)
        except FileError:
            self.packed.close()
            raise

    def _unpacked(self, encoding: str | None) -> tuple[str | None, BinaryIO]:
        start = self.packed.read(16)
        self.packed.seek(0)
        for magic, reason in REFUSED.items():
            if start.startswith(magic):
                raise FileUnused(f"{self._name} {reason}")
        packing = next((name for magic, name in UNPACKERS.items() if start.startswith(magic)), None)
        content: BinaryIO = self.packed
        if packing is not None:
            content = _buffered(_Unpacked(self._name, packing, self.packed))
        if encoding is not None:
            content = _buffered(_Transcoded(self._name, encoding, content))
        return packing, content

    def skip(self, position: int) -> None:
        """Moves to a position of the unpacked bytes. Packed files are unpacked up to there."""
        if self.bytes is self.packed:
            self.bytes.seek(position)
            return
        while position > 0:
            skipped = len(self.bytes.read(min(position, BLOCK_BYTES)))
            if not skipped:
                return
            position -= skipped

    @property
    def progress(self) -> float:
        """Share of the file that was read, from 0 to 1."""
        return min(self.packed.tell() / self._size, 1.0) if self._size else 1.0

    def close(self) -> None:
        self.packed.close()


class _Upload(io.RawIOBase):
    """An uploaded file, read block by block."""

    def __init__(self, objects: Readable, name: str, size: int) -> None:
        self._objects, self._name, self._size, self._position = objects, name, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        self._position = max(starts[whence] + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        content = self._objects.read(self._name, self._position, wanted)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)


class _Forward(io.RawIOBase):
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


class _Unpacked(_Forward):
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


class _Transcoded(_Forward):
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


def _buffered(raw: io.RawIOBase) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(raw, BLOCK_BYTES))


def loaded_pyarrow(name: str) -> Any:  # noqa: ANN401 - a module
    """Returns pyarrow, which is slow to load and needed by few files. Raises FileError if it is not installed."""
    try:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        raise FileError(f"{name} {NO_PYARROW}") from error
    return pa
