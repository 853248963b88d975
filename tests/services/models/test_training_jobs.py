"""Trainings as jobs: those that do not fit into a worker move to a container task."""

from collections.abc import Callable
from dataclasses import replace
from threading import Event as Signal
from typing import Any

import pytest

from app.config import Settings
from app.domain.jobs import Job, JobState, TrainingRequest
from app.domain.models import VersionState
from app.entry.jobs import task, worker
from app.services.bundle import Services
from app.services.jobs import LEASE, jobs
from app.storage.neighbors import NeighborStore
from app.storage.versions import VersionStore
from app.wiring import Wired
from tests.support.builders import an_item, idle_on, two_tastes
from tests.support.server_process import environment


def in_worker(services: Services, job: Job) -> None:
    worker.work(services, services.settings.project, job.job_id)


def in_task(services: Services, job: Job) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(services.settings, services.settings.project).items():
            patch.setenv(name, value)
        task.main(services.settings.project, job.job_id)


class TestTraining:
    @pytest.fixture
    def training(self, wired: Wired, settings: Settings) -> tuple[Services, Job]:
        """A training job that no worker has acquired."""
        wired.services.items.put_many(settings.project, [an_item(f"i{n}") for n in range(12)])
        wired.services.events.accept(settings.project, two_tastes())
        services = idle_on(settings).services
        version = services.train.queue(settings.project).version
        return services, services.jobs.create(settings.project, TrainingRequest(version))

    def test_a_training_without_enough_time_fails_with_the_reason(self, training: tuple[Services, Job]) -> None:
        services, job = training
        project = services.settings.project

        worker.work(services, project, job.job_id, lambda: 5.0)

        failed = services.jobs.get(project, job.job_id)
        assert (failed.state, failed.detail) == (JobState.FAILED, worker.TOO_SLOW)
        assert services.train.get(project, job.version or "").state is VersionState.FAILED

    def test_a_training_out_of_time_moves_to_a_container(
        self, training: tuple[Services, Job], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Time runs out when rows begin to be written; the container deletes these first."""
        services, job = training
        project, moved = services.settings.project, list[Job]()
        started, put_manifest = Signal(), NeighborStore.put_manifest

        def begin(*arguments: Any) -> None:
            put_manifest(*arguments)
            started.set()

        monkeypatch.setattr(NeighborStore, "put_manifest", begin)
        ended = worker.work(
            services, project, job.job_id, lambda: 5.0 if started.is_set() else 900.0, lambda _, job: moved.append(job)
        )
        assert ended is None

        (sent,) = moved
        assert (sent.job_id, sent.state) == (job.job_id, JobState.RUNNING)
        assert services.train.get(project, job.version or "").state is VersionState.TRAINING
        monkeypatch.setattr(worker, "REPORT_SECONDS", 0.0)
        in_task(services, job)
        assert services.jobs.get(project, job.job_id).state is JobState.SUCCEEDED
        active = services.rollout.active(project)
        assert active
        assert active.version == job.version

    def test_a_training_that_killed_its_worker_is_moved_and_finally_fails(
        self, training: tuple[Services, Job], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        services, job = training
        project, moved = services.settings.project, list[Job]()
        assert services.jobs.acquire(project, job.job_id)  # and the worker is killed
        monkeypatch.setattr(jobs, "LEASE", -LEASE)

        for _ in range(worker.MAX_MOVES + 1):
            worker.work(services, project, job.job_id, move=lambda _, job: moved.append(job))

        assert len(moved) == worker.MAX_MOVES
        failed = services.jobs.get(project, job.job_id)
        assert (failed.state, failed.detail) == (JobState.FAILED, "Gave up after 3 container tasks.")

    @pytest.mark.parametrize("where", [in_worker, in_task])
    def test_a_training_deletes_outdated_versions(
        self, training: tuple[Services, Job], where: Callable[[Services, Job], None]
    ) -> None:
        services, job = training
        project, versions = services.settings.project, VersionStore(idle_on(services.settings).database)
        for _ in range(services.settings.keep_versions + 1):
            ended = replace(services.train.queue(project), state=VersionState.READY)
            versions.update(project, ended, expected=VersionState.TRAINING)
        before = [version.version for version in services.train.list_page(project, None, 50).records]

        where(services, job)

        after = [version.version for version in services.train.list_page(project, None, 50).records]
        assert after == [version for version in before if version != before[services.settings.keep_versions]]
