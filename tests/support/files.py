"""Reads files as imports do, without a database."""

from collections import Counter
from pathlib import Path
from typing import Any

from app.entry.files.reader import Options
from app.entry.files.rows import Place
from app.entry.jobs import sources


def records(path: Path, kind: str | None = None, **mapping: str) -> tuple[list[Any], list[tuple[int, str]]]:
    """Returns the records of a file or folder, and the line and reason of each bad row."""
    return read(path, Options(kind, mapping))


def read(path: Path, options: Options) -> tuple[list[Any], list[tuple[int, str]]]:
    """Returns the records of a file or folder, and the line and reason of each bad row."""
    good, bad = list[Any](), list[tuple[int, str]]()
    for _, reader in sources.of(path, options)[0]:
        for row, of_row, reason, _ in reader.checked(reader.rows(Place()), reader.types()):
            good += [record.body for record in of_row]
            if reason is not None:
                bad.append((row.number, reason.text))
    return good, bad


def notes(path: Path, options: Options | None = None) -> list[str]:
    """Returns the notes of a file's summary."""
    ((_, reader),), _ = sources.of(path, options or Options())
    types, marks = reader.types(), Counter[str]()
    rows = list(reader.checked(reader.rows(Place()), types))
    for _, of_row, _, skipped in rows:
        marks.update(mark for record in of_row for mark in record.marks)
        marks.update([skipped] if skipped else [])
    return reader.notes(types, marks, len(rows))


def written(folder: Path, name: str, text: str | bytes) -> Path:
    """Writes a file; returns its path."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path
