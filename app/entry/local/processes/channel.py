"""Calls from one process to another, over a pair of sockets that no third process has.

Messages are pickled, as between processes of `multiprocessing`: both ends run the same program.
"""

from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from threading import Lock
from time import monotonic
from typing import Any


class Ended(Exception):
    """The process at the other end has ended."""


class Silent(Exception):
    """The process at the other end does not answer in time."""


class Caller:
    """Calls the methods that another process answers, one at a time."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        """`seconds` is how long an answer may take."""
        self._connection, self._seconds = connection, seconds
        self._lock = Lock()
        self._number = 0

    def call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - what the method returns
        """Returns what the method returns, or raises what it raises, Ended or Silent."""
        with self._lock:
            self._number += 1
            try:
                self._connection.send((self._number, method, arguments))
                outcome = self._received()
            except (OSError, EOFError) as error:
                raise Ended from error
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _received(self) -> object:
        """Receives the answer of the last call; that of an earlier one may come late."""
        ends_at = monotonic() + self._seconds
        while self._connection.poll(max(0.0, ends_at - monotonic())):
            number, outcome = self._connection.recv()
            if number == self._number:
                return outcome
        raise Silent


def answer(connection: Connection, methods: Mapping[str, Callable[..., Any]]) -> None:
    """Answers calls until the process at the other end has ended."""
    with connection:
        while True:
            try:
                number, method, arguments = connection.recv()
                connection.send((number, _outcome(methods[method], arguments)))
            except (OSError, EOFError):
                return


def _outcome(method: Callable[..., Any], arguments: tuple[Any, ...]) -> object:
    try:
        return method(*arguments)
    except Exception as error:  # noqa: BLE001 - raised again by the caller
        return error
