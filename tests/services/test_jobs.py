"""One worker at a time holds a job's lease, and leases end."""

from dataclasses import replace
from datetime import timedelta
from secrets import token_hex

import pytest

from app.clock import SYSTEM_CLOCK
from app.config import Settings
from app.domain.jobs import (
    DeletionRequest,
    ErasureRequest,
    ExportRequest,
    ImportRequest,
    Job,
    JobKind,
    JobRequest,
    JobState,
    PreviewRequest,
    TrainingRequest,
    UndoRequest,
)
from app.entry import oidc_client, schedule
from app.entry.jobs import worker
from app.errors import Conflict, Unavailable
from app.services.bundle import Services
from app.services.jobs import LEASE, MAX_ATTEMPTS, READ_FILES, STARTING, UPLOAD, Jobs, file_name, jobs
from app.services.preconditions import ATTEMPTS
from app.storage.jobs import JobStore
from app.storage.neighbors import NeighborStore
from app.storage.objects import project_folder
from app.wiring import Wired, wire
from tests.support.builders import a_project, an_item, idle_on, two_tastes, wired_on
from tests.support.fake_clock import FakeClock


class ListLauncher:
    """Notes the launched jobs."""

    def __init__(self, launched: list[str]) -> None:
        self._launched = launched

    def launch(self, project: str, job: Job) -> None:
        assert project
        self._launched.append(job.job_id)


class TestLease:
    @pytest.fixture
    def idle(self, settings: Settings, wired: Wired) -> Wired:
        assert wired.services.access.is_active(settings.project)
        return idle_on(settings)

    def test_a_leased_job_cannot_be_acquired_by_another_worker(
        self, idle: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        service, project = idle.services.jobs, settings.project
        job = service.create(project, ExportRequest())
        acquired = service.acquire(project, job.job_id)

        assert acquired
        assert service.acquire(project, job.job_id) is None
        monkeypatch.setattr(jobs, "LEASE", -LEASE)
        assert service.acquire(project, job.job_id)
        with pytest.raises(Conflict):  # the first worker comes back to life
            service.checkpoint(project, acquired, acquired)
        with pytest.raises(Conflict):
            service.heartbeat(project, acquired, 0.5)

    def test_a_released_job_can_be_acquired_at_once(self, idle: Wired, settings: Settings) -> None:
        service, project = idle.services.jobs, settings.project
        acquired = service.acquire(project, service.create(project, ExportRequest()).job_id)
        assert acquired

        service.release(project, acquired)

        assert service.acquire(project, acquired.job_id)

    def test_a_worker_that_loses_the_response_has_acquired_the_job(
        self, idle: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The client's retry finds the row that its first attempt wrote."""
        service, project = idle.services.jobs, settings.project
        job_id, write = service.create(project, ExportRequest()).job_id, JobStore.replace

        def twice(store: JobStore, project: str, job: Job, expected: Job) -> None:
            write(store, project, job, expected)
            write(store, project, job, expected)

        with monkeypatch.context() as patch:
            patch.setattr(JobStore, "replace", twice)
            acquired = service.acquire(project, job_id)

        assert acquired
        assert service.acquire(project, job_id) is None
        service.heartbeat(project, acquired, 0.5)

    def test_a_heartbeat_shows_progress_and_extends_the_lease(self, idle: Wired, settings: Settings) -> None:
        service, project = idle.services.jobs, settings.project
        acquired = service.acquire(project, service.create(project, ExportRequest()).job_id)
        assert acquired
        old = replace(acquired, heartbeat_at=acquired.heartbeat_at - 2 * LEASE)
        JobStore(idle.database).replace(project, old, acquired)

        service.heartbeat(project, acquired, 0.25)

        assert service.acquire(project, acquired.job_id) is None
        assert service.get(project, acquired.job_id).progress == 0.25

    def test_a_job_without_a_worker_is_resumed(self, own: Settings) -> None:
        """Uses tables of its own, because it reads the jobs of all projects."""
        idle, working = idle_on(own), wired_on(own)
        a_project(idle, own.project)
        service = idle.services.jobs
        acquired = service.acquire(own.project, service.create(own.project, ExportRequest()).job_id)
        assert acquired
        assert working.services.jobs.resume_due() == 0
        killed = replace(acquired, heartbeat_at=acquired.heartbeat_at - LEASE - timedelta(seconds=1))
        JobStore(idle.database).replace(own.project, killed, acquired)

        assert schedule.tick(working.services)["resumed"] == 1  # its launcher runs the job at once

        assert service.get(own.project, acquired.job_id).state is JobState.SUCCEEDED
        assert working.services.jobs.resume_due() == 0

    def test_one_worker_is_launched_however_many_processes_look_for_abandoned_jobs(self, own: Settings) -> None:
        """Uses tables of its own, because it reads the jobs of all projects."""
        launched: list[str] = []
        clock = FakeClock()
        a_project(idle_on(own), own.project)
        looking = [wire(own, ListLauncher(launched), oidc_client.fetch, clock=clock) for _ in range(2)]
        first, second = (process.services.jobs for process in looking)
        acquired = first.acquire(own.project, first.create(own.project, ExportRequest()).job_id)
        assert acquired
        launched.clear()

        def seconds_later(seconds: float) -> list[str]:
            clock.advance(seconds)
            launched.clear()
            for _ in range(3):
                first.resume_due()
                second.resume_due()
            return launched

        assert seconds_later(LEASE.total_seconds() - 10) == []
        assert seconds_later(11) == [acquired.job_id]  # the lease has run out
        with pytest.raises(Conflict):
            first.heartbeat(own.project, acquired, 0.5)  # the worker, if it is alive after all, has lost the job
        assert seconds_later(STARTING.total_seconds() - 10) == []
        assert seconds_later(11) == [acquired.job_id]  # that worker did not start
        assert second.acquire(own.project, acquired.job_id)
        assert seconds_later(10) == []

    def test_a_job_that_moved_to_a_container_task_waits_until_the_task_has_started(self, own: Settings) -> None:
        launched: list[str] = []
        clock = FakeClock()
        wired = wire(own, ListLauncher(launched), oidc_client.fetch, clock=clock)
        a_project(wired, own.project)
        services = wired.services
        services.events.accept(own.project, two_tastes())
        job = services.training_jobs.begin(own.project)
        tasks: list[str] = []
        worker.work(services, own.project, job.job_id, lambda: 1.0, lambda _, moved: tasks.append(moved.job_id))
        launched.clear()

        clock.advance(worker.TASK_STARTING.total_seconds() - 10)
        assert (services.jobs.resume_due(), tasks) == (0, [job.job_id])
        clock.advance(20)
        assert (services.jobs.resume_due(), launched) == (1, [job.job_id])

    def test_trainings_that_can_wait_begin_as_others_end(self, own: Settings) -> None:
        launched: list[str] = []
        clock = FakeClock()
        looking = [wire(own, ListLauncher(launched), oidc_client.fetch, clock=clock) for _ in range(2)]
        stream, ticking = (process.services for process in looking)
        assert own.most_trainings == 3
        projects = [f"{own.project}-{number}" for number in range(5)]
        for project in projects:
            a_project(looking[0], project)
            stream.events.accept(project, two_tastes())

        begun = [stream.training_jobs.begin(project, can_wait=True).job_id for project in projects]

        assert launched == begun[:3]
        assert (ticking.jobs.resume_due(), launched) == (0, begun[:3])
        worker.work(ticking, projects[1], begun[1])
        assert (ticking.jobs.resume_due(), sorted(launched[3:])) == (1, [launched[3]])
        assert launched[3] in begun[3:]
        manual = stream.training_jobs.begin(projects[1]).job_id  # one that a client asks for does not wait
        assert launched[4:] == [manual]
        export = stream.jobs.create(projects[0], ExportRequest()).job_id  # nor does any other job
        assert launched[5:] == [export]
        for project, job_id in ((projects[0], begun[0]), (projects[2], begun[2])):
            worker.work(ticking, project, job_id)
        assert ticking.jobs.resume_due() == 1
        assert set(begun) <= {*launched}

    def test_a_training_in_a_container_task_takes_no_room(self, own: Settings) -> None:
        launched: list[str] = []
        services = wire(
            own.model_copy(update={"most_trainings": 1}), ListLauncher(launched), oidc_client.fetch, clock=FakeClock()
        )
        for project in ("large", "small"):
            a_project(services, project)
            services.services.events.accept(project, two_tastes())
        large = services.services.training_jobs.begin("large").job_id
        worker.work(services.services, "large", large, lambda: 1.0, lambda *_: None)

        small = services.services.training_jobs.begin("small", can_wait=True).job_id

        assert launched == [large, small]

    def test_a_job_that_kills_its_workers_fails(
        self, idle: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        service, project = idle.services.jobs, settings.project
        job_id = service.create(project, ExportRequest()).job_id
        monkeypatch.setattr(jobs, "LEASE", -LEASE)

        attempts = [service.acquire(project, job_id) for _ in range(MAX_ATTEMPTS + 1)]

        assert [attempt is not None for attempt in attempts] == [True] * MAX_ATTEMPTS + [False]
        failed = service.get(project, job_id)
        assert (failed.state, failed.detail) == (JobState.FAILED, "Gave up after 5 attempts at the same checkpoint.")

    def test_deleting_a_project_ends_its_jobs_and_deletes_their_files(self, idle: Wired, settings: Settings) -> None:
        project = settings.project + "-gone"
        a_project(idle, project)
        service = idle.services.jobs
        job = service.create(project, ExportRequest())
        service.objects.write(file_name(project, job, "000001-items.jsonl"), b"{}\n")

        deleted = idle.services.erasure.delete_project(project)

        assert deleted.deletion
        assert deleted.deletion.removed["files"] == 1
        assert service.objects.list_page(project_folder(project), None, 10).records == ()
        assert worker.work(idle.services, project, job.job_id) is None

    def test_a_job_that_runs_while_its_project_is_deleted_is_cancelled(
        self, idle: Wired, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = idle.services.jobs.create(settings.project, ExportRequest())
        monkeypatch.setattr(idle.services.access, "is_active", lambda _: False)

        ended = worker.work(idle.services, settings.project, job.job_id)

        assert ended
        assert (ended.state, ended.detail) == (JobState.CANCELLED, "The project is being deleted.")


class BusyStore(JobStore):
    """The job's worker reaches its next checkpoint between the read and each of the first `checkpoints` writes."""

    def __init__(self, wired: Wired, checkpoints: int) -> None:
        super().__init__(wired.database)
        self.checkpoints, self.writes = checkpoints, 0

    def replace(self, project: str, job: Job, expected: Job) -> None:
        self.writes += 1
        if self.writes <= self.checkpoints:
            super().replace(project, replace(expected, revision=expected.revision + 1), expected)
        super().replace(project, job, expected)


class TestCancel:
    def busy(self, wired: Wired, checkpoints: int) -> tuple[BusyStore, Jobs]:
        store = BusyStore(wired, checkpoints)
        return store, Jobs(store, wired.services.jobs.objects, lambda *_: None, SYSTEM_CLOCK, token_hex, 3)

    def test_a_job_that_reaches_checkpoints_meanwhile_is_cancelled(self, wired: Wired, settings: Settings) -> None:
        store, service = self.busy(wired, ATTEMPTS - 1)
        job = service.create(settings.project, ExportRequest())

        cancelled = service.cancel(settings.project, job.job_id)

        assert (cancelled.state, cancelled.revision, store.writes) == (JobState.CANCELLED, ATTEMPTS - 1, ATTEMPTS)

    def test_cancelling_a_job_that_never_stops_changing_is_a_conflict(self, wired: Wired, settings: Settings) -> None:
        store, service = self.busy(wired, 1_000)
        job = service.create(settings.project, ExportRequest())

        with pytest.raises(Conflict, match="changed by another request"):
            service.cancel(settings.project, job.job_id)

        assert store.writes == ATTEMPTS
        assert service.get(settings.project, job.job_id).state is JobState.RUNNING

    def test_a_cancelled_job_cannot_be_cancelled_again(self, wired: Wired, settings: Settings) -> None:
        store, service = self.busy(wired, 0)
        job = service.create(settings.project, ExportRequest())
        service.cancel(settings.project, job.job_id)

        with pytest.raises(Conflict, match=r"already ended \(cancelled\)"):
            service.cancel(settings.project, job.job_id)

        assert store.writes == 1


class TestFaults:
    @pytest.fixture(params=JobKind)
    def idle(self, request: pytest.FixtureRequest, settings: Settings, wired: Wired) -> tuple[Services, str]:
        """A job of each kind that no worker has acquired."""
        wired.services.items.put_many(settings.project, [an_item(f"i{n}") for n in range(12)])
        wired.services.events.accept(settings.project, two_tastes(), "i0")
        services, project = idle_on(settings).services, settings.project
        requests: dict[JobKind, JobRequest] = {
            JobKind.IMPORT: ImportRequest("items"),
            JobKind.PREVIEW: PreviewRequest("items"),
            JobKind.EXPORT: ExportRequest(),
            JobKind.ERASURE: ErasureRequest("u1"),
            JobKind.DELETION: DeletionRequest("u1"),
            JobKind.UNDO: UndoRequest("i0"),
            JobKind.TRAINING: TrainingRequest(services.train.queue(project).version),
        }
        job = services.jobs.create(project, requests[request.param])
        if job.kind in READ_FILES:
            services.jobs.objects.write(file_name(project, job, UPLOAD), b'{"item_id": "new"}\n')
            services.jobs.begin(project, job.job_id)
        return services, job.job_id

    def test_another_worker_resumes_at_once_after_an_outage_in_a_step(
        self, idle: tuple[Services, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        services, job_id = idle
        project = services.settings.project

        def fail(*_: object, **__: object) -> None:
            raise Unavailable("It cannot be reached. Try again later.")

        with monkeypatch.context() as patch:
            patch.setattr(services.jobs.objects, "read", fail)
            patch.setattr(services.jobs.objects, "write", fail)
            patch.setattr(NeighborStore, "put_manifest", fail)
            patch.setattr(services.erasure, "erase_user", fail)
            patch.setattr(services.events, "select", fail)
            with pytest.raises(Unavailable):
                worker.work(services, project, job_id)

        ended = worker.work(services, project, job_id)
        assert ended
        assert ended.state is JobState.SUCCEEDED
