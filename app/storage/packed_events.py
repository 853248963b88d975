"""Keep the events of past months packed in files, so that a training reads only newer ones from the database.

A file holds the events of one partition of a month. A row in the table of events points to it; another says when events
of the partition were last written or deleted. The file counts only if it was read well after that. So neither a write
nor an erasure needs to know whether there is a file, and what was read while events changed is never used.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import orjson

from app import telemetry
from app.domain.events import Event
from app.errors import Unavailable
from app.storage.event_changes import Place, places_of
from app.storage.event_columns import DamagedEvents, EventColumns
from app.storage.events import EventStore
from app.storage.objects import FileStore, project_folder
from app.storage.selecting import Retention
from app.storage.table import MONTH_SHARDS, iso, key, shard

SETTLED = timedelta(days=2)
"""A month is packed when it has been over for so long: events arrive late."""
QUIET = timedelta(minutes=10)
"""Longer than clocks differ, a write takes and an index lags behind its table, together."""
KEPT = timedelta(days=6)
"""Files are deleted after a week."""
LEAST = 1_000
"""Events of a file: reading fewer costs less than their file."""
FOLDER = "events"


@dataclass(frozen=True)
class _Pointer:
    """What a row says about a file."""

    name: str
    size: int
    digest: str
    read_at: float
    """When the reading of its events began, in seconds since 1970."""


class PackedEvents:
    def __init__(
        self, events: EventStore, files: FileStore | None, retention: Retention, *, least: int = LEAST
    ) -> None:
        """Without `files`, all events are read from the database."""
        self._events, self._files, self._least = events, files, least
        self._since, self._clock = retention.since, retention.clock

    def all(self, project: str) -> Iterator[Event]:
        """Yields every event of a project for a training: those that come from a file have no ids."""
        months, files = self._events.months(project), self._files
        closed = [month for month in months if month < iso(self._clock.now() - SETTLED)[:7]] if files else []
        pointers = self._pointers(project, closed)
        for place in places_of(months):
            if files is None or place[0] not in closed:
                yield from self._events.of_partition(key(project, *place))
                continue
            packed = self._read(files, pointers.get(place))
            yield from self._packed_now(files, project, place) if packed is None else packed

    def forget(self, project: str, user_id: str) -> None:
        """Deletes the files that events of a user may be in."""
        if self._files is not None:
            self._files.delete_all(_folder(project, shard(user_id, MONTH_SHARDS)))

    def _pointers(self, project: str, months: Sequence[str]) -> dict[Place, _Pointer]:
        """Returns the pointers to the files whose events have not changed since."""
        usable = dict[Place, _Pointer]()
        for place, (packed, changed) in self._events.changes.pointers(project, places_of(months)).items():
            pointer = _Pointer(**orjson.loads(packed))
            if changed + QUIET.total_seconds() < pointer.read_at:
                usable[place] = pointer
        return usable

    def _read(self, files: FileStore, pointer: _Pointer | None) -> Iterator[Event] | None:
        """Returns the kept events of a file; None if it is missing or damaged."""
        if pointer is None:
            return None
        try:
            columns = _unpacked(files.read(pointer.name, 0, pointer.size), pointer.digest)
        except (Unavailable, DamagedEvents, FileNotFoundError) as error:
            telemetry.log_failure(telemetry.current(), error)
            return None
        return columns.events(self._since())

    def _packed_now(self, files: FileStore, project: str, place: Place) -> Iterator[Event]:
        """Yields the events of a partition, and packs them."""
        (month, shard_text), columns, read_at = place, EventColumns(), self._clock.now().timestamp()
        for event in self._events.of_partition(key(project, *place)):
            columns.add(event)
            yield event
        if len(columns) < self._least:
            return
        content = zlib.compress(columns.pack())
        digest = _digest(content)
        name = f"{_folder(project, shard_text)}{month}-{digest}"
        try:
            files.write(name, content)
        except Unavailable as error:
            telemetry.log_failure(telemetry.current(), error)
            return
        facts = orjson.dumps(asdict(_Pointer(name, len(content), digest, read_at)))
        expires_at = datetime.fromtimestamp(read_at, UTC) + KEPT
        self._events.changes.put_pointer(project, place, facts, expires_at)


def _folder(project: str, shard_text: str) -> str:
    return f"{project_folder(project)}{FOLDER}/{shard_text}/"


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _unpacked(content: bytes, digest: str) -> EventColumns:
    if _digest(content) != digest:
        raise DamagedEvents("The file of packed events is not what was written.")
    return EventColumns.unpack(zlib.decompress(content))
