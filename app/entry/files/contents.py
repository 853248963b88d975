"""The bytes of a file, on disk or in the store of uploads: unpacked and as UTF-8, readable from any place."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from app.entry.files.rows import FileError, FileUnused
from app.entry.files.streams import BLOCK_BYTES, ArrayLines, Transcoded, Unpacked

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

    def __init__(self, content: Content, encoding: str | None, *, is_array: bool = False) -> None:
        """Opens a file.

        Args:
            content: the file.
            encoding: its encoding; None for UTF-8.
            is_array: whether it is a JSON array, to be read as lines with an object each.
        """
        self._name, self._size = content.name, content.size
        self.packed = content.open()
        try:
            self.packing, self.bytes = self._unpacked(encoding, is_array=is_array)
        except FileError:
            self.packed.close()
            raise

    def _unpacked(self, encoding: str | None, *, is_array: bool) -> tuple[str | None, BinaryIO]:
        start = self.packed.read(16)
        self.packed.seek(0)
        for magic, reason in REFUSED.items():
            if start.startswith(magic):
                raise FileUnused(f"{self._name} {reason}")
        packing = next((name for magic, name in UNPACKERS.items() if start.startswith(magic)), None)
        content: BinaryIO = self.packed
        if packing is not None:
            content = _buffered(Unpacked(self._name, packing, self.packed))
        if encoding is not None:
            content = _buffered(Transcoded(self._name, encoding, content))
        if is_array:
            content = _buffered(ArrayLines(self._name, content))
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


def _buffered(raw: io.RawIOBase) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(raw, BLOCK_BYTES))
