"""Workers that end, hang or do not start, with a small program in their place."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from threading import Thread, Timer
from time import monotonic

import psutil
import pytest

from app.entry.errors import SetupError
from app.entry.local.processes import process, supervisor
from app.entry.local.processes.process import Assignment, Process
from app.entry.local.processes.supervisor import Supervisor
from tests.support.builders import until

PROGRAM = """
import json, os, signal, sys
from multiprocessing.connection import Connection
from threading import Event
from app.entry.local.processes.channel import Caller, answer
wires = json.loads(sys.argv[2])
if "STUBBORN" in os.environ:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
Caller(Connection(wires["asks"]), 30.0).call("ready")
answer(Connection(wires["answers"]), {"check": lambda: None})
Event().wait()
"""
WORKER = (sys.executable, "-c", PROGRAM)


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "COMMAND", WORKER)


@pytest.fixture
def written() -> Iterator[int]:
    notes, written = os.pipe()
    yield written
    os.close(notes)
    os.close(written)


class Stage:
    """Workers that are watched in this thread, which gets the signals, while a test runs in another one."""

    def __init__(self, written: int, stop_seconds: float = 30.0, **variables: str) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
        self.supervisor = Supervisor(2, partial(Process, Assignment(), environment, written, {}), stop_seconds)
        self.pids: set[int] = set()
        """The processes of all workers so far."""

    def ready(self) -> set[int]:
        ready = {worker.pid for worker in self.supervisor.workers() if worker.ready.is_set()}
        self.pids |= ready
        return ready

    def run(self, test: Callable[[], object]) -> None:
        failures: list[BaseException] = []

        def run() -> None:
            try:
                test()
            except BaseException as failure:  # noqa: BLE001 - raised below
                failures.append(failure)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        testing = Thread(target=run)
        with self.supervisor.running():
            testing.start()
            self.supervisor.watch()
        testing.join()
        if failures:
            raise failures[0]


class TestSupervisor:
    @pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
    def test_a_worker_that_ends_is_replaced_and_all_end_with_the_server(
        self, written: int, capfd: pytest.CaptureFixture[str], ending: signal.Signals
    ) -> None:
        stage = Stage(written)

        def test() -> None:
            before = stage.ready()
            assert len(before) == 2
            ended = min(before)
            os.kill(ended, ending)
            until(lambda: len(stage.ready()) == 2 and ended not in stage.ready())
            assert stage.ready() > before - {ended}

        stage.run(test)

        assert len(stage.pids) == 3
        assert not any(psutil.pid_exists(pid) for pid in stage.pids)
        assert f"A worker has ended (signal {ending.value})" in capfd.readouterr().err

    def test_a_worker_that_does_not_answer_is_killed_and_replaced(
        self, written: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(process, "ANSWER_SECONDS", 1.0)
        monkeypatch.setattr(supervisor, "CHECK_SECONDS", 0.1)
        stage = Stage(written)

        def test() -> None:
            hung = min(stage.ready())
            os.kill(hung, signal.SIGSTOP)
            until(lambda: len(stage.ready()) == 2 and hung not in stage.ready())

        stage.run(test)

        assert not any(psutil.pid_exists(pid) for pid in stage.pids)

    def test_a_new_worker_that_never_gets_ready_is_killed_and_replaced(
        self, written: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervisor, "CHECK_SECONDS", 0.1)
        monkeypatch.setattr(supervisor, "RESTART_SECONDS", 0.1)
        stage = Stage(written)

        def test() -> None:
            ended = min(stage.ready())
            monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", "import time; time.sleep(600)"))
            monkeypatch.setattr(process, "START_SECONDS", 0.5)
            os.kill(ended, signal.SIGKILL)
            until(lambda: len(stage.ready()) == 1 and len(stage.supervisor.workers()) == 2)
            [hanging] = {worker.pid for worker in stage.supervisor.workers()} - stage.ready()
            monkeypatch.setattr(process, "COMMAND", WORKER)
            until(lambda: len(stage.ready()) == 2)
            assert not psutil.pid_exists(hanging)

        stage.run(test)

        assert not any(psutil.pid_exists(pid) for pid in stage.pids)

    def test_workers_that_do_not_end_in_time_are_killed(self, written: int) -> None:
        stage = Stage(written, stop_seconds=0.2, STUBBORN="1")

        stage.run(stage.ready)

        assert len(stage.pids) == 2
        assert not any(psutil.pid_exists(pid) for pid in stage.pids)

    def test_another_signal_ends_them_at_once(self, written: int) -> None:
        stage = Stage(written, stop_seconds=600.0, STUBBORN="1")
        again = Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
        started = monotonic()

        def test() -> None:
            stage.ready()
            again.start()

        stage.run(test)
        again.join()

        assert monotonic() - started < 60
        assert not any(psutil.pid_exists(pid) for pid in stage.pids)

    def test_workers_that_cannot_serve_are_an_error(self, written: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))

        with pytest.raises(SetupError, match=r"A worker ended before it could serve \(status 3\)"):
            Stage(written).run(lambda: None)

    def test_workers_that_take_too_long_to_start_are_an_error_and_end(
        self, written: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", "import time; time.sleep(600)"))
        monkeypatch.setattr(supervisor, "START_SECONDS", 0.3)
        before = set(psutil.Process().children())

        with pytest.raises(SetupError, match="could not serve within"):
            Stage(written).run(lambda: None)

        assert set(psutil.Process().children()) <= before
