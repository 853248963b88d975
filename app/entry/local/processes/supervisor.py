"""Keeps the workers of a server running: starts them, replaces those that end, and ends all."""

import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from time import monotonic
from types import FrameType

from app.entry.errors import SetupError
from app.entry.local.processes.channel import Caller
from app.entry.local.processes.process import START_SECONDS, Process
from app.heartbeat import beating

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL_SECONDS = 0.05
CHECK_SECONDS = 10.0
RESTART_SECONDS = 1.0
"""Time between two attempts to replace a worker that did not get as far as serving."""


class Supervisor:
    def __init__(self, count: int, start: Callable[[], Process], stop_seconds: float) -> None:
        """`stop_seconds` is how long workers may take to answer their last requests."""
        self._count, self._start, self._stop_seconds = count, start, stop_seconds
        self._workers: tuple[Process, ...] = ()
        """Never changed, only replaced: other threads read it."""
        self._signals = 0
        self._signaled, self._woken = socket.socketpair()

    def workers(self) -> Sequence[Process]:
        return self._workers

    def callers(self) -> Mapping[str, Caller]:
        """Returns the callers of the workers by name."""
        return {worker.name: worker.calls for worker in self._workers}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Starts the workers, and ends them at the end of the context, in which signals end `watch`.

        Raises:
            SetupError: a worker did not start.
            KeyboardInterrupt: a signal came before all had started.
        """
        with self._handling_signals():
            try:
                self._start_missing()
                self._wait_until_ready()
                with beating(self._check, CHECK_SECONDS):
                    try:
                        yield
                    finally:
                        self._end()
            finally:
                self._end()

    def watch(self) -> None:
        """Replaces workers that end, until a signal comes."""
        pause = None
        while not self._signals:
            wait([self._woken, *(worker.door for worker in self._workers)], pause)
            if self._signals:
                return
            pause = None if self._replace_ended() else RESTART_SECONDS

    def _replace_ended(self) -> bool:
        """Replaces the workers that have ended; returns whether that worked, or is to be tried again later."""
        ended = [worker for worker in self._workers if _is_readable(worker.door)]
        self._workers = tuple(worker for worker in self._workers if worker not in ended)
        were_ready = all(worker.ready.is_set() for worker in ended)
        for worker in ended:
            sys.stderr.write(f"A worker has ended ({worker.close()}). Starting another one; no stored data is lost.\n")
        if not were_ready:
            return False
        try:
            self._start_missing()
        except SetupError as error:
            sys.stderr.write(f"{error} Trying again.\n")
            return False
        return True

    def _start_missing(self) -> None:
        while len(self._workers) < self._count:
            self._workers = (*self._workers, self._start())

    def _wait_until_ready(self) -> None:
        ends_at = monotonic() + START_SECONDS
        while not all(worker.ready.is_set() for worker in self._workers):
            wait([self._woken, *(worker.door for worker in self._workers)], POLL_SECONDS)
            if self._signals:
                raise KeyboardInterrupt
            for worker in self._workers:
                if _is_readable(worker.door):
                    raise SetupError(f"A worker ended before it could serve ({worker.close()}).")
            if monotonic() > ends_at:
                raise SetupError(f"The workers could not serve within {START_SECONDS:.0f} s.")

    def _check(self) -> None:
        for worker in self._workers:
            worker.check()

    def _end(self) -> None:
        """Ends the workers once they have answered their requests, or at once after another signal."""
        alive = [worker for worker in self._workers if worker.is_alive]
        for worker in alive:
            worker.terminate()
        ends_at = monotonic() + self._stop_seconds
        while alive and self._signals <= 1 and monotonic() < ends_at:
            wait([worker.door for worker in alive], POLL_SECONDS)
            alive = [worker for worker in alive if worker.is_alive]
        for worker in alive:
            worker.kill()
        for worker in self._workers:
            worker.close()
        self._workers = ()

    @contextmanager
    def _handling_signals(self) -> Iterator[None]:
        """Counts signals that end the server, unless they are ignored, as `nohup` wishes."""
        before = {number: signal.getsignal(number) for number in ENDINGS}
        handled = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
        for number in handled:
            signal.signal(number, self._count_signal)
        try:
            yield
        finally:
            for number, handler in handled.items():
                signal.signal(number, handler)
            self._signaled.close()
            self._woken.close()

    def _count_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._signals += 1
        self._signaled.send(b"s")


def _is_readable(door: socket.socket) -> bool:
    """Whether the other end of a socket over which nothing is received was closed."""
    return bool(wait([door], 0))
