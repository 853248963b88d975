"""Runs jobs in processes of their own: one per job, and at most two for all servers of a folder."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

import psutil

from app import telemetry
from app.config import PREFIX
from app.domain.jobs import Job
from app.entry.local.home import WORKERS
from app.errors import WorkerUnavailable

COMMAND = (sys.executable, "-m", "app.entry.cli.main", "jobs", "work")
"""Its last argument is a job's id."""
STOP_SECONDS = 5.0

ProjectJob = tuple[str, str]
"""A project and the id of one of its jobs."""


class WorkerProcesses:
    """Starts a process for each launched job, or later, once one of the two slots is free.

    A slot is a locked file. The process inherits the lock and keeps it until it ends, even if it is killed, or survives
    the server that started it. So servers that come and go never have more processes than slots.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], command: Sequence[str] = COMMAND) -> None:
        self._folder, self._environment, self._command = folder, dict(environment), tuple(command)
        self._waiting: dict[ProjectJob, dict[str, str]] = {}
        """The launched jobs without a process yet, and the variables that their processes get."""
        self._running: dict[ProjectJob, psutil.Popen] = {}
        self._lock = Lock()

    def launch(self, project: str, job: Job) -> None:
        """Raises WorkerUnavailable if this machine cannot start the process."""
        log = telemetry.current()
        variables = {
            f"{PREFIX}PROJECT": project,
            telemetry.TRACEPARENT_VARIABLE: log.traceparent,
            telemetry.REQUEST_VARIABLE: log.request_id,
        }
        with self._lock:
            self._waiting.setdefault((project, job.job_id), variables)
        self.start_waiting()

    def start_waiting(self) -> bool:
        """Starts processes for waiting jobs while slots are free; returns whether jobs are left, which wait for a slot.

        A job with a process waits until that has ended.
        """
        with self._lock:
            self._running = {job: process for job, process in self._running.items() if process.poll() is None}
            for job in [job for job in self._waiting if job not in self._running]:
                slot = self._free_slot()
                if slot is None:
                    return True
                variables = self._waiting.pop(job)
                try:
                    self._running[job] = self._started(job[1], variables, slot)
                finally:
                    os.close(slot)
            return bool(self._waiting)

    def stop(self) -> None:
        """Stops the running jobs' processes; the jobs resume at the next start."""
        with self._lock:
            self._waiting.clear()
            processes = [process for process in self._running.values() if process.poll() is None]
            for process in processes:
                process.terminate()
            _, alive = psutil.wait_procs(processes, STOP_SECONDS)
            for process in alive:
                process.kill()
                process.wait(STOP_SECONDS)

    def _started(self, job_id: str, variables: Mapping[str, str], slot: int) -> psutil.Popen:
        try:
            return psutil.Popen(
                [*self._command, job_id],
                env={**self._environment, **variables},
                stdin=subprocess.DEVNULL,
                pass_fds=(slot,),
            )
        except OSError as error:
            raise WorkerUnavailable(f"No process could be started for the job: {error.strerror}.") from error

    def _free_slot(self) -> int | None:
        """Locks a slot's file and returns its descriptor. None if no slot is free. Raises WorkerUnavailable."""
        for number in range(WORKERS):
            path = self._folder / f"worker-{number}.lock"
            try:
                slot = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise WorkerUnavailable(f"{path} cannot be used: {error.strerror}.") from error
            try:
                fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(slot)
            else:
                return slot
        return None
