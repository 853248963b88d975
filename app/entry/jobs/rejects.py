"""The rejected rows of a file, as JSON Lines beside it."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

ENDING = ".rejects.jsonl"


class RejectFile:
    """Created with the first rejected row; one of an earlier import is removed."""

    def __init__(self, source: Path) -> None:
        self._paths = (source.with_name(source.name + ENDING), Path(source.name + ENDING))
        self._file: BinaryIO | None = None
        self.path: Path | None = None
        """The file; None if there is none."""
        self.note: str | None = None
        """Why it is not beside the source."""

    def __enter__(self) -> Self:
        for path in self._paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        return self

    def write(self, rejects: Sequence[bytes]) -> None:
        if not rejects or (self._file is None and not self._create()):
            return
        assert self._file is not None  # noqa: S101 - it was created
        self._file.writelines(rejects)

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def _create(self) -> bool:
        for path in self._paths:
            try:
                self._file = path.open("wb")
            except OSError as error:
                folder = path.parent.resolve()
                self.note = f"the rejected rows are not in {folder}, which cannot be written to ({error.strerror})"
            else:
                self.path = path
                return True
        return False
