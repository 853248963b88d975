"""One training: learns a model version, publishes it, and reports its progress in the version's row."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import Any, Protocol

from app.clock import Clock
from app.config import Settings
from app.domain.events import Event
from app.domain.items import Item
from app.domain.models import ModelVersion, VersionState
from app.domain.paging import every
from app.domain.recommendations import BOUGHT_TOGETHER, POPULAR, TERMS, list_name
from app.errors import Cancelled, Conflict, Unavailable
from app.heartbeat import beating
from app.recommender.events.weights import Weights
from app.recommender.packing import Packed
from app.recommender.progress import IsOver, ReportProgress
from app.storage.items import ItemStore
from app.storage.neighbors import NeighborStore
from app.storage.packed_events import PackedEvents
from app.storage.versions import VersionStore

REPORT_INTERVAL = timedelta(seconds=1)
HEARTBEAT_SECONDS = 60.0
EVENTS_PER_REPORT = 5_000
SEARCH_SECONDS = 75.0
"""Time for choosing parameters; no further ones are tried after it."""
LISTED_ITEMS = 100
CANCELLED = "Cancelled."


class Model(Protocol):
    """A trained model."""

    @property
    def item_ids(self) -> list[str]: ...
    @property
    def bought_ids(self) -> list[str]: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def metrics(self) -> Mapping[str, Any]: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    def popular(self, categories: Mapping[str, tuple[str, ...]]) -> list[tuple[str, bytes]]: ...
    def terms(self, items: Mapping[str, Item]) -> bytes: ...
    def with_content(self, items: Mapping[str, Item]) -> "Model": ...
    def publish(self, put: Callable[[Packed], None]) -> None: ...


@dataclass(frozen=True)
class Engine:
    """Trains outside this process."""

    learn: Callable[[ReportProgress, Weights], Model]
    put: Callable[[str, str, Packed], None]
    """Stores rows of a project's version. It is called where the rows are, possibly on another machine."""


@dataclass(frozen=True)
class TrainingStores:
    events: PackedEvents
    items: ItemStore
    neighbors: NeighborStore
    versions: VersionStore


class Training:
    """A training that stores its progress in the version's row, and stops when the row says so."""

    def __init__(
        self,
        stores: TrainingStores,
        settings: Settings,
        clock: Clock,
        project: str,
        version: ModelVersion,
        report: ReportProgress | None,
        weights: Weights,
    ) -> None:
        self._weights = weights
        self._stores, self._settings, self._clock, self._project = stores, settings, clock, project
        self.version = version
        self._report = report
        self._lock = Lock()

    def beating(self) -> AbstractContextManager[None]:
        """Sends heartbeats while the context is open, also during long steps without reports."""
        return beating(self._heartbeat, HEARTBEAT_SECONDS, Cancelled, Unavailable)  # the next report raises them

    def learn_and_publish(self, engine: Engine | None) -> None:
        earlier = {} if engine else self.version.parameters
        learned = engine.learn(self.report, self._weights) if engine else self._learn_here(earlier)
        chosen_at = (None if engine else self.version.chosen_at) or self.version.created_at
        counts = {**learned.counts, "bought_together": len(learned.bought_ids)}
        self._change(parameters=learned.parameters, chosen_at=chosen_at, metrics=learned.metrics, counts=counts)
        self.report("reading items", 0.0)
        items = dict(self._items())
        popular = learned.popular({item_id: item.categories for item_id, item in items.items()})
        self.report("comparing items", 0.0)
        learned = learned.with_content(items)
        self._change(parameters=learned.parameters)
        neighbors, project, version_id = self._stores.neighbors, self._project, self.version.version
        lists = [*((POPULAR, category, packed) for category, packed in popular), (TERMS, "", learned.terms(items))]
        bought = [list_name(BOUGHT_TOGETHER, item_id) for item_id in learned.bought_ids]
        names = learned.item_ids + bought + [list_name(kind, name) for kind, name, _ in lists]
        self._change(manifest_chunks=neighbors.manifest_chunks(names))
        self._heartbeat()
        neighbors.put_manifest(project, version_id, names)
        self.report("publishing", 0.0)
        learned.publish(partial(engine.put if engine else self._put_here, project, version_id))
        neighbors.put_lists(project, version_id, lists)

    def _learn_here(self, earlier: Mapping[str, Any]) -> Model:
        from app.recommender.fit.learn import learn  # noqa: PLC0415 - only trainings load numpy

        return learn(
            self._read(),
            neighbors=self._settings.neighbors,
            memory_bytes=self._settings.training_memory_bytes,
            report=self.report,
            earlier=earlier,
            weights=self._weights,
            is_over=self._search_is_over(),
        )

    def _search_is_over(self) -> IsOver:
        """Returns whether SEARCH_SECONDS have passed since its first call, when the events have been read."""
        ends_at: float | None = None

        def is_over() -> bool:
            nonlocal ends_at
            now = self._clock.monotonic()
            if ends_at is None:
                ends_at = now + SEARCH_SECONDS
            return now >= ends_at

        return is_over

    def _put_here(self, project: str, version_id: str, rows: Packed) -> None:
        expected = self.version.counts["items"] + self.version.counts["bought_together"]
        self._stores.neighbors.put_rows(
            project, version_id, rows, lambda written: self.report("publishing", written / expected)
        )

    def _read(self) -> Iterator[Event]:
        for number, event in enumerate(self._stores.events.all(self._project)):
            if number % EVENTS_PER_REPORT == 0:
                self.report("reading events", 0.0)
            yield event

    def _items(self) -> Iterator[tuple[str, Item]]:
        for item in every(lambda start: self._stores.items.list_page(self._project, None, start, LISTED_ITEMS)):
            yield item.item_id, item
            self.report("reading items", 0.0)

    def report(self, phase: str, progress: float) -> None:
        """Reports progress, and stores it at most once a second."""
        if self._report:
            self._report(phase, progress)
        changed = phase != self.version.phase
        self._change(phase=phase, progress=min(progress, 1.0))
        if changed or self._clock.now() - self.version.heartbeat_at >= REPORT_INTERVAL:
            self._heartbeat()

    def _change(self, **fields: Any) -> None:  # noqa: ANN401 - each field has its own type
        with self._lock:
            self.version = replace(self.version, **fields)

    def _heartbeat(self) -> None:
        with self._lock:
            self.version = replace(self.version, heartbeat_at=self._clock.now())
            try:
                self._stores.versions.update(self._project, self.version, expected=VersionState.TRAINING)
            except Conflict as error:
                raise Cancelled(f"Training {self.version.version} was cancelled.") from error

    def end(self, state: VersionState, detail: str | None) -> ModelVersion:
        """Stores the final state of the version. Raises Cancelled if it is ready, but was cancelled before."""
        now = self._clock.now()
        seconds = round((now - self.version.created_at).total_seconds(), 3)
        ended = replace(
            self.version, state=state, detail=detail, seconds=seconds, heartbeat_at=now, phase="ended", progress=1.0
        )
        try:
            self._stores.versions.update(self._project, ended, expected=VersionState.TRAINING)
        except Conflict:  # it was cancelled: note what it published, so that `collect` removes that
            self.version = replace(ended, state=VersionState.CANCELLED, detail=CANCELLED)
            self._stores.versions.update(self._project, self.version, expected=VersionState.CANCELLED)
            if state is VersionState.READY:
                raise Cancelled(f"Training {ended.version} was cancelled.") from None
            return self.version
        self.version = ended
        return ended
