"""CPU and memory of a server with the sample shop and of its database while nothing happens."""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

from app.entry.local import dynamodb, home
from tests.support.builders import until

SETTLED_SECONDS, SECONDS = 100, 60
"""Longer than until the pauses are longest, and the time that is measured."""


def run() -> None:
    print(f"\nIdle: CPU seconds in {SECONDS} s and resident memory, {SETTLED_SECONDS} s after the start")
    emulator = dynamodb.install(home.HOME).absolute()
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / home.HOME
        own.mkdir()
        (own / emulator.name).symlink_to(emulator)
        server = _started(Path(folder))
        try:
            time.sleep(SETTLED_SECONDS)
            processes = [server, *server.children(recursive=True)]
            before = [_cpu_seconds(process) for process in processes]
            time.sleep(SECONDS)
            for process, earlier in zip(processes, before, strict=True):
                megabytes = process.memory_info().rss / 1e6
                print(f"  {process.name():8} {_cpu_seconds(process) - earlier:.2f} s, {megabytes:.0f} MB")
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


def _started(folder: Path) -> psutil.Popen:
    """Returns a server that is ready."""
    output = folder / "output"
    command = [sys.executable, "-m", "app.entry.cli.main", "serve", "--port", str(dynamodb.free_port())]
    variables = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with output.open("w") as log:
        server = psutil.Popen(command, cwd=folder, env=variables, stdout=log, stderr=log)
    until(lambda: "Ready" in output.read_text() or server.poll() is not None)
    assert server.poll() is None, output.read_text()
    return server


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
