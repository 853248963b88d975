"""Columns of many events as bytes: what a training needs of them, 28 bytes each and every name once."""

from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import isnan, nan
from struct import Struct
from sys import byteorder
from typing import Any

import orjson

from app.domain.events import Event

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FORMAT = 1
HEADER = Struct("<BII")
"""The format, the number of events and the bytes of the names."""


class DamagedEvents(Exception):
    """Packed bytes are not what was packed, or of another release."""


class EventColumns:
    def __init__(self) -> None:
        self._names: tuple[dict[str, int], ...] = ({}, {}, {})
        """Of users, items and event types, in the order of their numbers."""
        self._numbers = (array("I"), array("I"), array("I"))
        """Of the user, the item and the event type of each event."""
        self._times = array("q")
        """In microseconds since 1970."""
        self._values = array("d")
        """NaN for events without one."""

    def __len__(self) -> int:
        return len(self._times)

    @property
    def _columns(self) -> "tuple[array[Any], ...]":
        return (*self._numbers, self._times, self._values)

    def add(self, event: Event) -> None:
        names = (event.user_id, event.item_id, event.event_type)
        for column, numbers, name in zip(self._numbers, self._names, names, strict=True):
            column.append(numbers.setdefault(name, len(numbers)))
        self._times.append((event.timestamp - EPOCH) // MICROSECOND)
        self._values.append(nan if event.value is None else event.value)

    def pack(self) -> bytes:
        names = orjson.dumps([list(each) for each in self._names])
        return HEADER.pack(FORMAT, len(self), len(names)) + names + b"".join(map(_little_endian, self._columns))

    @classmethod
    def unpack(cls, packed: bytes) -> "EventColumns":
        """Unpacks columns.

        Raises:
            DamagedEvents: the bytes are not packed columns.
        """
        unpacked = cls()
        form, count, size = HEADER.unpack_from(packed.ljust(HEADER.size, b"\0"))
        at = HEADER.size + size
        if form != FORMAT or len(packed) != at + count * sum(column.itemsize for column in unpacked._columns):
            raise DamagedEvents("The bytes are not packed events.")
        names = orjson.loads(packed[HEADER.size : at])
        unpacked._names = tuple({name: number for number, name in enumerate(each)} for each in names)
        for column in unpacked._columns:
            column.frombytes(packed[at : (at := at + count * column.itemsize)])
            if byteorder == "big":
                column.byteswap()
        return unpacked

    def events(self, since: datetime | None) -> Iterator[Event]:
        """Yields the events of a time or later, or all; they have no ids."""
        users, items, types = (list(names) for names in self._names)
        for user, item, event_type, microseconds, value in zip(*self._columns, strict=True):
            timestamp = EPOCH + timedelta(microseconds=microseconds)
            if since is None or timestamp >= since:
                yield Event(users[user], items[item], types[event_type], timestamp, "", None if isnan(value) else value)


def _little_endian(column: "array[Any]") -> bytes:
    if byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()
