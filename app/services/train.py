"""Model versions: learn one, publish it, clean up."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from threading import Event as Signal
from threading import Lock, Thread
from typing import Any, Protocol

from app.config import Settings
from app.domain import POPULAR, TERMS, Event, Item, ModelVersion, Page, VersionState, every
from app.errors import Cancelled, Conflict, NotActivatable, NotFound, SerendipError, Unavailable
from app.storage.events import Events
from app.storage.items import Items
from app.storage.neighbours import Neighbours
from app.storage.versions import Versions

Report = Callable[[str, float], None]
HEARTBEAT = timedelta(seconds=1)
LOST_AFTER = timedelta(minutes=10)
BEAT_SECONDS = 60.0
EVENTS_A_REPORT = 5_000
ROWS_A_WRITE = 500
LISTED_ITEMS = LISTED_VERSIONS = 100
CHOSEN_AT, CHOSEN_FOR = "chosen_at", timedelta(days=7)
"""When a version's parameters were chosen (second since 1970), and for how long quick trainings take them over."""


Rows = Iterable[tuple[str, bytes]]
"""Items and their packed neighbours."""


class Model(Protocol):
    """What a training learned."""

    @property
    def item_ids(self) -> list[str]: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def metrics(self) -> Mapping[str, Any]: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    def popular(self, categories: Mapping[str, tuple[str, ...]]) -> list[tuple[str, bytes]]: ...
    def terms(self, items: Mapping[str, Item]) -> bytes: ...
    def with_content(self, items: Mapping[str, Item]) -> "Model": ...
    def publish(self, put: Callable[[Rows], None]) -> None: ...


@dataclass(frozen=True)
class Engine:
    """Where a training runs, if not in this process."""

    learn: Callable[[Report], Model]
    put: Callable[[str, str, Rows], None]
    """Writes rows of a project's version; it is called where they are, maybe on another machine."""


@dataclass(frozen=True)
class Stores:
    events: Events
    items: Items
    neighbours: Neighbours
    versions: Versions


class Train:
    def __init__(
        self,
        stores: Stores,
        settings: Settings,
        clock: Callable[[], datetime],
        random_hex: Callable[[int], str],
        take_over: Callable[[str, str, bool], object],
    ) -> None:
        """`take_over` points serving at a project's new version, forced or not; raises NotActivatable."""
        self._stores, self._settings, self._clock, self._random_hex = stores, settings, clock, random_hex
        self._take_over = take_over
        self._versions = stores.versions

    def get(self, project: str, version: str) -> ModelVersion:
        """Raises NotFound."""
        found = self._versions.get(project, version)
        if found is None:
            raise NotFound("There is no such model version.")
        return found

    def list_page(self, project: str, start: str | None, limit: int) -> Page[ModelVersion]:
        return self._versions.list_page(project, start, limit)

    def queue(self, project: str, *, quickly: bool = False) -> ModelVersion:
        """Make a new version, which `run` then trains: quickly with parameters that were chosen within a week."""
        now = self._clock()
        version_id = f"v{now:%Y%m%dT%H%M%S%f}-{self._random_hex(2)}"
        parameters = self._chosen_since(project, now - CHOSEN_FOR) if quickly else {}
        version = ModelVersion(version_id, VersionState.TRAINING, now, heartbeat_at=now, parameters=parameters)
        try:
            self._versions.create(project, version)
        except Conflict:  # a repeated request, which was killed after this
            return self.get(project, version_id)
        return version

    def _chosen_since(self, project: str, since: datetime) -> Mapping[str, Any]:
        """The parameters of the newest usable version, unless they were chosen before then; else none."""
        for version in self._versions.list_page(project, None, LISTED_VERSIONS).records:
            if version.state is VersionState.READY and version.parameters.get(CHOSEN_AT, 0.0) >= since.timestamp():
                return version.parameters
        return {}

    def cancel(self, project: str, version_id: str) -> ModelVersion:
        """Ask a running training to stop; it does at its next report.

        Raises:
            NotFound, and Conflict when it is not running.
        """
        version = self.get(project, version_id)
        if version.state is not VersionState.TRAINING:
            raise Conflict(f"Version {version_id} is {version.state.value}; only a training one can be cancelled.")
        cancelling = replace(version, state=VersionState.CANCELLING)
        self._versions.update(project, cancelling, expected=VersionState.TRAINING)
        return cancelling

    def run(
        self,
        project: str,
        version: ModelVersion,
        *,
        force: bool = False,
        report: Report | None = None,
        engine: Engine | None = None,
    ) -> ModelVersion:
        """Train a queued version to its end, and activate it unless it is clearly worse than the active one.

        An engine learns elsewhere, from what it knows of; without one, all events of the project are read here.

        A failure is recorded with the version and raised again; the active version is left as it was.

        Raises:
            Conflict: this version is, or was, trained already: the order came twice.
        """
        self.collect(project)
        version = replace(version, phase="starting", heartbeat_at=self._clock())
        try:
            self._versions.start(project, version)
        except Conflict:
            if self.get(project, version.version).state is not VersionState.CANCELLING:
                raise
        job = _Job(self._stores, self._settings, self._clock, project, version, report)
        try:
            with job.beating():
                job.learn_and_publish(engine)
        except (Cancelled, KeyboardInterrupt):
            job.end(VersionState.CANCELLED, "Cancelled.")
            raise
        except Exception as error:
            job.end(VersionState.FAILED, error.detail if isinstance(error, SerendipError) else type(error).__name__)
            raise
        published = job.end(VersionState.READY, None)
        try:
            self._take_over(project, published.version, force)
        except NotActivatable as refused:
            published = replace(published, detail=refused.detail)
            self._versions.update(project, published, expected=VersionState.READY)
        return published

    def collect(self, project: str) -> int:
        """Remove what lost, failed and outdated versions left behind; returns how many were cleaned."""
        active = self._versions.active(project, consistent=True)
        kept = active.versions if active else frozenset()
        ready, cleaned = 0, 0
        for version in every(lambda start: self._versions.list_page(project, start, LISTED_VERSIONS)):
            ready += version.state is VersionState.READY
            lost = (
                version.state in {VersionState.TRAINING, VersionState.CANCELLING}
                and self._clock() - version.heartbeat_at > LOST_AFTER
            )
            ended = version.state in {VersionState.FAILED, VersionState.CANCELLED} and version.manifest_chunks > 0
            outdated = version.state is VersionState.READY and ready > self._settings.keep_versions
            if version.version in kept or not (lost or ended or outdated):
                continue
            self._stores.neighbours.delete(project, version.version, version.manifest_chunks)
            if outdated:
                self._versions.delete(project, version.version)
            else:
                state = VersionState.FAILED if lost else version.state
                detail = "The training was killed." if lost else version.detail
                cleared = replace(version, state=state, detail=detail, manifest_chunks=0)
                self._versions.update(project, cleared, expected=version.state)
            cleaned += 1
        return cleaned


class _Job:
    """One training: the version's row follows its progress, and says when it should stop."""

    def __init__(
        self,
        stores: Stores,
        settings: Settings,
        clock: Callable[[], datetime],
        project: str,
        version: ModelVersion,
        report: Report | None,
    ) -> None:
        self._stores, self._settings, self._clock, self._project = stores, settings, clock, project
        self.version = version
        self._report = report
        self._lock = Lock()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Show that the training lives, also while a long step reports nothing."""
        ended = Signal()

        def beat() -> None:
            while not ended.wait(BEAT_SECONDS):
                with suppress(Cancelled, Unavailable):  # the next report tells
                    self._beat()

        thread = Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def learn_and_publish(self, engine: "Engine | None") -> None:
        earlier = {} if engine else self.version.parameters
        learned = engine.learn(self.report) if engine else self._learn_here(earlier)
        chosen_at = {CHOSEN_AT: earlier.get(CHOSEN_AT, self.version.created_at.timestamp())}
        self._change(parameters={**learned.parameters, **chosen_at}, metrics=learned.metrics, counts=learned.counts)
        self.report("reading items", 0.0)
        items = dict(self._items())
        popular = learned.popular({item_id: item.categories for item_id, item in items.items()})
        self.report("comparing items", 0.0)
        learned = learned.with_content(items)
        self._change(parameters={**learned.parameters, **chosen_at})
        neighbours, project, version_id = self._stores.neighbours, self._project, self.version.version
        lists = [*((POPULAR, category, packed) for category, packed in popular), (TERMS, "", learned.terms(items))]
        names = learned.item_ids + [f"{kind}#{name}" for kind, name, _ in lists]
        self._change(manifest_chunks=neighbours.manifest_chunks(names))
        self._beat()
        neighbours.put_manifest(project, version_id, names)
        self.report("publishing", 0.0)
        learned.publish(partial(engine.put if engine else self._put_here, project, version_id))
        neighbours.put_lists(project, version_id, lists)

    def _learn_here(self, earlier: Mapping[str, Any]) -> Model:
        from app.recommender.fit.learn import learn  # noqa: PLC0415 - numpy is loaded by trainings only

        return learn(
            self._read(),
            neighbours=self._settings.neighbours,
            memory_bytes=self._settings.training_memory_bytes,
            report=self.report,
            earlier=earlier,
        )

    def _put_here(self, project: str, version_id: str, rows: Rows) -> None:
        written, remaining = 0, iter(rows)
        while chunk := list(islice(remaining, ROWS_A_WRITE)):
            self._stores.neighbours.put_rows(project, version_id, chunk)
            written += len(chunk)
            self.report("publishing", written / self.version.counts["items"])

    def _read(self) -> Iterator[Event]:
        for number, event in enumerate(self._stores.events.all(self._project)):
            if number % EVENTS_A_REPORT == 0:
                self.report("reading events", 0.0)
            yield event

    def _items(self) -> Iterator[tuple[str, Item]]:
        for item in every(lambda start: self._stores.items.list_page(self._project, None, start, LISTED_ITEMS)):
            yield item.item_id, item
            self.report("reading items", 0.0)

    def report(self, phase: str, progress: float) -> None:
        """Show progress, and write it down at most once a second."""
        if self._report:
            self._report(phase, progress)
        changed = phase != self.version.phase
        self._change(phase=phase, progress=min(progress, 1.0))
        if changed or self._clock() - self.version.heartbeat_at >= HEARTBEAT:
            self._beat()

    def _change(self, **facts: Any) -> None:  # noqa: ANN401 - each field has its own type
        with self._lock:
            self.version = replace(self.version, **facts)

    def _beat(self) -> None:
        with self._lock:
            self.version = replace(self.version, heartbeat_at=self._clock())
            try:
                self._stores.versions.update(self._project, self.version, expected=VersionState.TRAINING)
            except Conflict as error:
                raise Cancelled(f"Training {self.version.version} was cancelled.") from error

    def end(self, state: VersionState, detail: str | None) -> ModelVersion:
        now = self._clock()
        seconds = round((now - self.version.created_at).total_seconds(), 3)
        expected = VersionState.CANCELLING if state is VersionState.CANCELLED else VersionState.TRAINING
        ended = replace(
            self.version, state=state, detail=detail, seconds=seconds, heartbeat_at=now, phase="ended", progress=1.0
        )
        try:
            self._stores.versions.update(self._project, ended, expected=expected)
        except Conflict:
            self._stores.versions.update(self._project, ended, expected=VersionState.TRAINING)
        self.version = ended
        return ended
