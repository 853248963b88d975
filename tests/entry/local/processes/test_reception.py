"""Which worker gets a connection."""

import socket
from contextlib import closing, suppress

import pytest

from app.entry.errors import SetupError
from app.entry.local.dynamodb import free_port
from app.entry.local.processes.reception import Reception
from tests.support.builders import until


class Worker:
    """Keeps the connections that it takes, once it is ready."""

    def __init__(self, *, is_ready: bool = True) -> None:
        self.is_ready = is_ready
        self.taken: list[socket.socket] = []

    def take(self, connection: socket.socket) -> bool:
        if self.is_ready:
            self.taken.append(connection.dup())
        return self.is_ready


def clients(port: int, number: int) -> list[socket.socket]:
    return [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]


class TestReception:
    def test_workers_that_are_ready_take_turns(self) -> None:
        workers = [Worker(), Worker(is_ready=False), Worker()]
        port = free_port()
        with closing(_Stopped(Reception("127.0.0.1", port, lambda: workers))) as stopped:
            stopped.reception.start()

            opened = clients(port, 10)
            until(lambda: sum(len(worker.taken) for worker in workers) == 10)

            assert [len(worker.taken) for worker in workers] == [5, 0, 5]
            _close(opened, *workers)

    def test_connections_wait_for_a_worker(self) -> None:
        worker = Worker(is_ready=False)
        port = free_port()
        with closing(_Stopped(Reception("127.0.0.1", port, lambda: [worker]))) as stopped:
            opened = clients(port, 3)
            stopped.reception.start()
            assert not worker.taken

            worker.is_ready = True
            until(lambda: len(worker.taken) == 3)

            _close(opened, worker)

    def test_it_stops_while_a_connection_waits(self) -> None:
        port = free_port()
        reception = Reception("127.0.0.1", port, list)
        reception.start()
        opened = clients(port, 1)

        reception.stop()
        reception.stop()

        with suppress(ConnectionResetError):  # it was not accepted yet
            assert opened[0].recv(1) == b""
        _close(opened)
        with pytest.raises(ConnectionRefusedError):
            clients(port, 1)

    def test_a_taken_port_is_named(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]

            with pytest.raises(SetupError, match=f"Port {port} of 127.0.0.1 cannot be listened on"):
                Reception("127.0.0.1", port, list)


class _Stopped:
    """A reception that `closing` stops."""

    def __init__(self, reception: Reception) -> None:
        self.reception = reception

    def close(self) -> None:
        self.reception.stop()


def _close(opened: list[socket.socket], *workers: Worker) -> None:
    for connection in [*opened, *(taken for worker in workers for taken in worker.taken)]:
        connection.close()
