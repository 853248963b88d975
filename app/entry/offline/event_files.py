"""Reads the events of files for an evaluation, and says what an import would say about them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.domain.events import Event
from app.domain.fields import EPOCH
from app.entry.files.layouts.layout import EVENTS
from app.entry.files.reader import Options
from app.entry.files.rows import FileError, Place
from app.entry.jobs import slices, sources
from app.entry.jobs.summary import Summary, lines


class EventFiles:
    """The files of an evaluation."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        """`say` prints a line of a summary."""
        self._options, self._say = replace(options, kind=EVENTS), say
        self.summaries: list[dict[str, Any]] = []
        """What was read of each file so far."""

    def events(self, path: Path) -> Iterator[Event]:
        """Yields the events of a file or folder.

        Raises:
            FileError: a file cannot be read, has no events, or more than a tenth of its rows are bad.
        """
        readers, unused = sources.of(path, self._options)
        for line in unused:
            self._say(line)
        for file, reader in readers:
            types, summary = reader.types(), Summary()
            rows = reader.checked(reader.rows(Place()), types)
            for part in slices.sliced(reader.name, rows, Place(), is_first=True):
                summary.add(part.summary)
                for record in part.records:
                    yield record.body.record(record.body.owner, EPOCH)
            ignored, notes = reader.plan.ignored, reader.notes(types, summary.marks, summary.read)
            for line in lines(file.name, EVENTS, summary, ignored, notes):
                self._say(line)
            counts = {**summary.counts(), "repeated": summary.repeated, "reasons": dict(summary.reasons)}
            self.summaries.append({"file": file.name, **counts, "ignored_columns": dict(ignored), "notes": notes})
            if summary.failure:
                raise FileError(f"{file.name}: {summary.failure}")
