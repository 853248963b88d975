"""Queue, train, cancel and clean up model versions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from app.clock import Clock
from app.config import Settings
from app.domain.models import ModelVersion, VersionState
from app.domain.paging import Page, every
from app.errors import (
    Cancelled,
    Conflict,
    NotActivatable,
    NotFound,
    OutOfTime,
    SerendipError,
    Unavailable,
)
from app.recommender.events.weights import Weights
from app.recommender.progress import ReportProgress
from app.services.models.rollout import Rollout
from app.services.models.training import CANCELLED, Engine, Training, TrainingStores

LOST_AFTER = timedelta(minutes=10)
LISTED_VERSIONS = 100
CHOSEN_FOR = timedelta(days=7)
"""How long quick trainings reuse chosen parameters."""


class Train:
    def __init__(
        self,
        stores: TrainingStores,
        settings: Settings,
        clock: Clock,
        random_hex: Callable[[int], str],
        rollout: Rollout,
        weights: Callable[[str], Weights],
    ) -> None:
        """`weights` returns the weights of a project."""
        self._weights = weights
        self._stores, self._settings, self._clock, self._random_hex = stores, settings, clock, random_hex
        self._rollout = rollout
        self._versions = stores.versions

    def get(self, project: str, version: str) -> ModelVersion:
        """Raises NotFound."""
        stored = self._versions.get(project, version)
        if stored is None:
            raise NotFound("There is no such model version.")
        return stored

    def list_page(self, project: str, start: str | None, limit: int) -> Page[ModelVersion]:
        return self._versions.list_page(project, start, limit)

    def queue(self, project: str, *, quickly: bool = False) -> ModelVersion:
        """Creates a version for `run` to train; `quickly` reuses parameters that were chosen within a week."""
        now = self._clock.now()
        version_id = f"v{now:%Y%m%dT%H%M%S%f}-{self._random_hex(2)}"
        version = ModelVersion(version_id, VersionState.TRAINING, now, heartbeat_at=now)
        earlier = self._chosen_since(project, now - CHOSEN_FOR) if quickly else None
        if earlier is not None:
            version = replace(version, parameters=earlier.parameters, chosen_at=earlier.chosen_at)
        try:
            self._versions.create(project, version)
        except Conflict:  # the request was repeated after its first attempt was killed at this point
            return self.get(project, version_id)
        return version

    def discard(self, project: str, version_id: str) -> None:
        """Deletes a version that will not be trained."""
        self._versions.delete(project, version_id)

    def _chosen_since(self, project: str, since: datetime) -> ModelVersion | None:
        """Returns the newest ready version whose parameters were chosen since then."""
        for version in self._versions.list_page(project, None, LISTED_VERSIONS).records:
            if version.state is VersionState.READY and version.chosen_at and version.chosen_at >= since:
                return version
        return None

    def cancel(self, project: str, version_id: str) -> ModelVersion:
        """Cancels a running training. Its worker, if it is alive, stops at its next report.

        The rows that it published are removed by the next `collect`.

        Raises:
            NotFound: the version does not exist.
            Conflict: the training is not running.
        """
        version = self.get(project, version_id)
        if version.state is not VersionState.TRAINING:
            raise Conflict(f"Version {version_id} is {version.state.value}; only a running training can be cancelled.")
        cancelled = replace(
            version, state=VersionState.CANCELLED, detail=CANCELLED, phase="ended", heartbeat_at=self._clock.now()
        )
        self._versions.update(project, cancelled, expected=VersionState.TRAINING)
        return cancelled

    def run(
        self,
        project: str,
        version: ModelVersion,
        *,
        force: bool = False,
        report: ReportProgress | None = None,
        engine: Engine | None = None,
    ) -> ModelVersion:
        """Trains a queued version, and activates it unless it is clearly worse than the active one.

        An engine trains outside this process, on its own data. Without one, all events of the project are read here.

        A failure is stored with the version and raised again; the active version stays. A training that was killed, or
        lost the database, can run again from its beginning, if no other worker is training the version.

        Raises:
            Cancelled: the version was cancelled.
            Conflict: the version has failed before.
            NotEnoughData, TrainingTooSlow: the version has failed.
            OutOfTime, Unavailable: the version is unfinished and can be run again.
        """
        if version.state is not VersionState.READY:
            version = self._trained(project, version, report, engine)
        try:
            self._rollout.activate_trained(project, version.version, force=force)
        except NotActivatable as refused:
            version = replace(version, detail=refused.detail)
            self._versions.update(project, version, expected=VersionState.READY)
        return version

    def _trained(
        self, project: str, version: ModelVersion, report: ReportProgress | None, engine: Engine | None
    ) -> ModelVersion:
        version = replace(version, phase="starting", progress=0.0, heartbeat_at=self._clock.now())
        try:
            self._versions.update(project, version, expected=VersionState.TRAINING)
        except Conflict:
            stored = self.get(project, version.version)
            if stored.state is VersionState.FAILED:
                raise Conflict(stored.detail or "The training failed.") from None
            raise Cancelled(f"Version {version.version} is {stored.state.value}.") from None
        self._stores.neighbors.delete(project, version.version, version.manifest_chunks)  # left by a killed worker
        version = replace(version, manifest_chunks=0)
        self.collect(project)
        weights = self._weights(project)
        training = Training(self._stores, self._settings, self._clock, project, version, report, weights)
        try:
            with training.beating():
                training.learn_and_publish(engine)
        except (Cancelled, KeyboardInterrupt):
            training.end(VersionState.CANCELLED, CANCELLED)
            raise
        except (OutOfTime, Unavailable):  # it can run again, later or elsewhere
            raise
        except Exception as error:
            training.end(
                VersionState.FAILED, error.detail if isinstance(error, SerendipError) else type(error).__name__
            )
            raise
        return training.end(VersionState.READY, None)

    def collect(self, project: str) -> int:
        """Removes the rows of lost, failed and outdated versions; returns the number of versions."""
        active = self._versions.active(project, consistent=True)
        kept = active.versions if active else frozenset()
        ready, cleaned = 0, 0
        for version in every(lambda start: self._versions.list_page(project, start, LISTED_VERSIONS)):
            ready += version.state is VersionState.READY
            lost = (
                version.state in {VersionState.TRAINING, VersionState.CANCELLING}
                and self._clock.now() - version.heartbeat_at > LOST_AFTER
            )
            ended = version.state in {VersionState.FAILED, VersionState.CANCELLED} and version.manifest_chunks > 0
            outdated = version.state is VersionState.READY and ready > self._settings.keep_versions
            if version.version in kept or not (lost or ended or outdated):
                continue
            self._stores.neighbors.delete(project, version.version, version.manifest_chunks)
            if outdated:
                self._versions.delete(project, version.version)
            else:
                state, detail = version.state, version.detail
                if state is VersionState.CANCELLING:
                    state, detail = VersionState.CANCELLED, CANCELLED
                elif lost:
                    state, detail = VersionState.FAILED, "The training was killed."
                cleared = replace(version, state=state, detail=detail, manifest_chunks=0)
                self._versions.update(project, cleared, expected=version.state)
            cleaned += 1
        return cleaned
