"""Asks for /health/live at a steady pace, from a process of its own, and reports how long each answer took."""

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PER_SECOND = 25
TIMEOUT_SECONDS = 10.0
REQUEST = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@dataclass
class Pulse:
    """Seconds that the answers of health checks took; infinite without one."""

    seconds: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        ascending = sorted(self.seconds)
        return ascending[int(len(ascending) * 0.99)] if ascending else float("nan")


@contextmanager
def watched(port: int) -> Iterator[Pulse]:
    """Asks until the context ends; then the pulse is filled."""
    pulse = Pulse()
    process = subprocess.Popen(
        [sys.executable, "-I", __file__, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()  # it asks from now on
    try:
        yield pulse
    finally:
        output, _ = process.communicate()
        pulse.seconds = json.loads(output)


def _answered(port: int) -> float:
    start = time.perf_counter()
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
            connection.sendall(REQUEST)
            if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
                return float("inf")
    except OSError:
        return float("inf")
    return time.perf_counter() - start


def _main(port: int) -> None:
    _answered(port)  # the first one imports modules
    print(flush=True)
    seconds, due = [], time.perf_counter()
    while not select.select([sys.stdin], [], [], max(0.0, due - time.perf_counter()))[0]:
        seconds.append(_answered(port))
        due = max(due + 1 / PER_SECOND, time.perf_counter())
    json.dump(seconds, sys.stdout)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
