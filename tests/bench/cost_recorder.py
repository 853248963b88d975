"""What invocations take: units, times, log bytes, and the records that lists need and read."""

import io
import logging
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any

import pytest

from app import telemetry
from app.domain.items import Item
from app.entry.cli.operations.cost_model import Invocation
from app.services.catalog.item_cache import ItemCache
from app.services.models.cache import ModelCache
from app.storage.items import ItemStore
from app.storage.neighbors import NeighborStore
from app.telemetry import WRITES, RequestLog

RECOMMENDATIONS = "recommendations"


@dataclass(frozen=True)
class Taken:
    """What the invocations of each kind took on average."""

    parts: Mapping[str, Invocation]
    counts: Mapping[str, int]
    events: Mapping[str, float]
    """Events of an invocation."""
    looked_up: Mapping[str, int]
    """Items and rows that lists needed, and how many of both were read."""


@dataclass
class Recorder:
    """Units, times and log bytes of invocations, by kind."""

    log: io.StringIO
    kind: str = ""
    sums: dict[str, defaultdict[str, float]] = field(default_factory=dict)
    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    core_milliseconds: dict[str, list[float]] = field(default_factory=dict)
    looked_up: Counter[str] = field(default_factory=Counter)
    """Items and rows that lists needed, and how many of both were read."""
    events: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def invocation(self, kind: str, events: int = 0) -> Iterator[None]:
        self.kind = kind
        sums, logged = self.sums.setdefault(kind, defaultdict(float)), self.log.tell()
        started, computed = perf_counter(), process_time()
        yield
        self.milliseconds.setdefault(kind, []).append((perf_counter() - started) * 1_000)
        self.core_milliseconds.setdefault(kind, []).append((process_time() - computed) * 1_000)
        sums["log_bytes"] += self.log.tell() - logged
        self.events[kind] += events
        self.kind = ""

    def called(self, operation: str, units: float) -> None:
        if self.kind:
            self.sums[self.kind]["write_units" if operation.startswith(WRITES) else "read_units"] += units

    def needed(self, what: str, number: int) -> None:
        if self.kind == RECOMMENDATIONS:
            self.looked_up[what] += number

    def clear(self) -> None:
        for each in (self.sums, self.milliseconds, self.core_milliseconds, self.looked_up, self.events):
            each.clear()

    def taken(self) -> Taken:
        """Returns what was recorded since the last call of `clear`."""
        counts = {kind: len(each) for kind, each in self.milliseconds.items()}
        return Taken(
            {kind: self._mean(kind, count) for kind, count in counts.items()},
            counts,
            {kind: self.events[kind] / count for kind, count in counts.items()},
            self.looked_up.copy(),
        )

    def _mean(self, kind: str, count: int) -> Invocation:
        sums = self.sums[kind]
        units = {name: sums[name] / count for name in ("read_units", "write_units", "log_bytes")}
        times = {
            "milliseconds": statistics.median(self.milliseconds[kind]),
            "core_milliseconds": statistics.median(self.core_milliseconds[kind]),
        }
        return Invocation(**units, **times)


@contextmanager
def recording() -> Iterator[Recorder]:
    """Counts the units of calls, the bytes of the log, and the records that lists need and read."""
    log, shown = io.StringIO(), _log_handler()
    recorder, before = Recorder(log), shown.setStream(log)
    counted = RequestLog.count_call
    items, rows, read_items, read_rows = ItemCache.get_many, ModelCache.rows, ItemStore.get_many, NeighborStore.get

    def called(work: RequestLog, operation: str, seconds: float, units: float) -> None:
        recorder.called(operation, units)
        counted(work, operation, seconds, units)

    def get_items(cache: ItemCache, project: str, item_ids: Sequence[str]) -> dict[str, Item]:
        recorder.needed("items", len(item_ids))
        return items(cache, project, item_ids)

    def get_rows(cache: ModelCache, project: str, active: Any, item_ids: Sequence[str], **more: Any) -> Any:
        recorder.needed("rows", len(item_ids))
        return rows(cache, project, active, item_ids, **more)

    def read_many(store: ItemStore, project: str, item_ids: Sequence[str]) -> dict[str, Item]:
        recorder.needed("read", len(item_ids))
        return read_items(store, project, item_ids)

    def read(store: NeighborStore, project: str, version: str, item_ids: Sequence[str], lists: Any = ()) -> Any:
        recorder.needed("read", len(item_ids))
        return read_rows(store, project, version, item_ids, lists)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RequestLog, "count_call", called)
        patch.setattr(ItemCache, "get_many", get_items)
        patch.setattr(ModelCache, "rows", get_rows)
        patch.setattr(ItemStore, "get_many", read_many)
        patch.setattr(NeighborStore, "get", read)
        yield recorder
    shown.setStream(before)


def _log_handler() -> "logging.StreamHandler[Any]":
    telemetry.configure()
    (handler,) = telemetry.logger.handlers
    assert isinstance(handler, logging.StreamHandler)
    return handler
