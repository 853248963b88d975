"""Accepts the connections of a server and hands them to its workers in turn.

The workers could accept from one socket themselves, but then the first to wake takes most of the connections; and with
a socket each (SO_REUSEPORT), the system would spread them by chance, and close those that wait for a worker that ends.
"""

import socket
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from threading import Thread
from typing import Protocol

from app.entry.local.server import listening

PAUSE_SECONDS = 0.05
"""Time between two attempts to accept a connection, or to find a worker for it."""


class Worker(Protocol):
    def take(self, connection: socket.socket) -> bool:
        """Hands it a connection, which the caller closes; returns whether it takes one now."""


class Reception:
    def __init__(self, host: str, port: int, workers: Callable[[], Sequence[Worker]]) -> None:
        """Listens at once; connections wait until `start`.

        Args:
            host: the address to listen on.
            port: the port to listen on.
            workers: returns the workers that there are.

        Raises:
            SetupError: the port is taken.
        """
        self._listener = listening(host, port)
        self._listener.setblocking(False)
        self._workers, self._turn = workers, 0
        self._closing, self._closed = socket.socketpair()
        self._thread = Thread(target=self._run, name="reception", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Accepts no more connections."""
        self._closing.close()
        if self._thread.ident is not None:
            self._thread.join()
        self._closed.close()
        self._listener.close()

    def _run(self) -> None:
        while self._closed not in wait([self._listener, self._closed]):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):  # its client has given up
                continue
            except OSError:  # for example, too many files are open
                wait([self._closed], PAUSE_SECONDS)
                continue
            with connection:
                while not self._hand(connection) and not wait([self._closed], PAUSE_SECONDS):
                    pass

    def _hand(self, connection: socket.socket) -> bool:
        """Hands a connection to the next worker that takes it; returns whether one did."""
        workers = self._workers()
        for _ in workers:
            self._turn = (self._turn + 1) % len(workers)
            if workers[self._turn].take(connection):
                return True
        return False
