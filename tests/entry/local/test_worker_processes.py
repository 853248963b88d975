"""Jobs run in processes of their own: one per job and two in all, whatever is killed."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.domain.jobs import ExportCheckpoint, ExportRequest, Job, JobState
from app.entry.local.home import WORKERS
from app.entry.local.worker_processes import WorkerProcesses
from tests.support.builders import NOON, until

PROGRAM = """
import os, pathlib, sys, time
job = pathlib.Path(sys.argv[1])
job.with_suffix(f".{os.getpid()}").touch()
while not job.with_suffix(".done").exists():
    time.sleep(0.01)
"""
WAIT = (sys.executable, "-c", PROGRAM)
"""A worker that notes that it runs, and ends once the test lets the job be done."""


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
        live = []
        for process in psutil.process_iter():
            try:
                if str(self.path) in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                    live.append(process)
            except psutil.Error:
                continue
        return live

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
