"""Jobs run in processes of their own: one per job and two in all, whatever is killed."""

import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import time

import psutil
import pytest

from app.config import Settings
from app.domain.jobs import ExportCheckpoint, ExportRequest, Job, JobState
from app.domain.models import VersionState
from app.entry import oidc_client
from app.entry.local.worker_processes import WORKERS, WorkerProcesses
from app.services.jobs import LEASE
from app.storage.jobs import JobStore
from app.wiring import wire
from tests.support.builders import NOON, a_project, idle_on, two_tastes, until
from tests.support.server_process import environment

ORPHANS = 4
KILLED_AT = (0.1, 1.5)
"""Seconds after their start at which the first two workers are killed: while importing, and while training."""

PROGRAM = """
import os, pathlib, sys, time
job = pathlib.Path(sys.argv[1])
job.with_suffix(f".{os.getpid()}").touch()
while not job.with_suffix(".done").exists():
    time.sleep(0.01)
"""
WAIT = (sys.executable, "-c", PROGRAM)
"""A worker that notes that it runs, and ends once the test lets the job be done."""


def live(processes: Iterable[psutil.Process], part: str) -> list[psutil.Process]:
    """Returns the processes that run and have the part in their command."""
    living = []
    for process in processes:
        with suppress(psutil.Error):  # it has ended meanwhile; a zombie has no command
            if part in " ".join(process.cmdline()):
                living.append(process)
    return living


class Folder:
    """A folder with servers that launch jobs, and the processes of these jobs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.servers = [self.a_server()]

    def a_server(self) -> WorkerProcesses:
        return WorkerProcesses(self.path, {}, WAIT)

    def launch(self, name: str) -> None:
        job_id = str(self.path / name)
        job = Job(job_id, JobState.RUNNING, NOON, NOON, ExportRequest(), ExportCheckpoint())
        self.servers[-1].launch("demo", job)

    def finish(self, name: str) -> None:
        (self.path / f"{name}.done").touch()

    def processes(self) -> list[psutil.Process]:
        """Returns the live workers of the folder, whoever started them."""
        return live(psutil.process_iter(), str(self.path))

    def started(self, name: str) -> list[Path]:
        """Returns a file for each process that has worked on the job."""
        return [path for path in self.path.glob(f"{name}.*") if path.suffix != ".done"]

    def continues(self) -> bool:
        """Lets the newest server start what waits; checks the law."""
        self.servers[-1].start_waiting()
        assert len(self.processes()) <= WORKERS
        return True


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path)
    yield folder
    for server in folder.servers:
        server.stop()
    assert folder.processes() == []


class TestLaunch:
    def test_ten_jobs_run_two_at_a_time_and_all_of_them_run(self, folder: Folder) -> None:
        names = [f"job{number}" for number in range(10)]

        for name in names:
            folder.launch(name)

        for name in names:
            until(lambda name=name: folder.continues() and len(folder.started(name)) == 1)  # type: ignore[misc]
            folder.finish(name)
        until(lambda: folder.continues() and folder.processes() == [])
        assert all(len(folder.started(name)) == 1 for name in names)

    def test_a_job_that_is_launched_again_has_one_process_and_gets_the_next_once_that_is_killed(
        self, folder: Folder
    ) -> None:
        for _ in range(5):
            folder.launch("job")
        until(lambda: len(folder.started("job")) == 1)
        assert len(folder.processes()) == 1

        folder.processes()[0].send_signal(signal.SIGKILL)

        until(lambda: folder.continues() and len(folder.started("job")) == 2)
        assert len(folder.processes()) == 1

    def test_processes_that_survive_their_server_count(self, folder: Folder) -> None:
        folder.launch("old1")
        folder.launch("old2")
        folder.servers.append(folder.a_server())  # as if the first server was killed

        folder.launch("new")

        assert folder.continues()
        until(lambda: len(folder.started("old2")) == 1)
        assert folder.started("new") == []
        folder.finish("old1")
        until(lambda: folder.continues() and len(folder.started("new")) == 1)


class TestResume:
    def test_orphaned_trainings_end_right_with_two_workers_though_workers_are_killed(
        self, own: Settings, tmp_path: Path
    ) -> None:
        """Uses a database of its own, because it resumes the jobs of all projects."""
        workers = WorkerProcesses(tmp_path, environment(own, own.project))
        wired, idle, project = wire(own, workers, oidc_client.fetch), idle_on(own), own.project
        a_project(wired, project)
        service, store = wired.services.jobs, JobStore(wired.database)
        wired.services.events.accept(project, two_tastes())
        orphans = [idle.services.training_jobs.begin(project).job_id for _ in range(ORPHANS)]

        def abandon(job_id: str) -> None:
            """Lets the time that the job's worker has run out."""
            job = service.get(project, job_id)
            late = replace(job, heartbeat_at=job.heartbeat_at - 2 * LEASE, starting_until=None)
            store.replace(project, late, job)

        for job_id in orphans:
            abandon(job_id)
        kills = list(KILLED_AT)

        def all_ended() -> bool:
            service.resume_due()
            workers.start_waiting()
            working = live(psutil.Process().children(), "jobs work")
            assert len(working) <= WORKERS
            for process in working:
                if kills and time() - process.create_time() > kills[0]:
                    job_id = process.cmdline()[-1]
                    process.kill()
                    process.wait()
                    del kills[0]
                    abandon(job_id)
            return all(service.get(project, job_id).state is not JobState.RUNNING for job_id in orphans)

        try:
            until(all_ended, seconds=240)
        finally:
            workers.stop()
        assert not kills
        versions = wired.services.train.list_page(project, None, 10).records
        assert {service.get(project, job_id).state for job_id in orphans} == {JobState.SUCCEEDED}
        assert [version.state for version in versions] == [VersionState.READY] * ORPHANS
        wired.close()
        idle.close()
