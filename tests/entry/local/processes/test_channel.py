"""Calls between two processes that share a pair of sockets."""

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from threading import Event, Thread

import pytest

from app.api.sockets.push import Busy, Gone
from app.entry.local.processes.channel import Caller, Ended, Silent, answer
from app.entry.local.processes.hub import Hub
from app.errors import WorkerUnavailable


def _refuse() -> None:
    raise WorkerUnavailable("No process could be started.")


@contextmanager
def calling(seconds: float = 30.0) -> Iterator[tuple[Caller, Event]]:
    """Yields a caller, and an event that lets the method `wait` return."""
    ours, theirs = Pipe()
    released = Event()
    methods = {"twice": lambda number: 2 * number, "refuse": _refuse, "wait": released.wait}
    answering = Thread(target=answer, args=(theirs, methods))
    answering.start()
    caller = Caller(ours, seconds)
    yield caller, released
    released.set()
    caller.close()
    answering.join()


class TestCaller:
    def test_it_returns_what_the_method_returns_and_raises_what_it_raises(self) -> None:
        with calling() as (caller, _):
            assert [caller.call("twice", number) for number in range(3)] == [0, 2, 4]
            with pytest.raises(WorkerUnavailable, match="No process could be started"):
                caller.call("refuse")
            assert caller.call("twice", 4) == 8

    def test_the_end_of_the_other_process_ends_calls(self) -> None:
        ours, theirs = Pipe()
        caller = Caller(ours, 30.0)
        theirs.close()

        with pytest.raises(Ended):
            caller.call("twice", 1)

        caller.close()
        with pytest.raises(Ended):
            caller.call("twice", 1)

    def test_a_late_answer_is_not_that_of_the_next_call(self) -> None:
        with calling(seconds=0.1) as (caller, released):
            with pytest.raises(Silent):
                caller.call("wait")
            released.set()

            outcomes: list[object] = []
            while not outcomes:  # a busy machine may need more than one attempt
                try:
                    outcomes.append(caller.call("twice", 2))
                except Silent:
                    continue

        assert outcomes == [4]


class TestHub:
    def test_sockets_of_a_worker_that_has_ended_are_gone(self) -> None:
        ours, theirs = Pipe()
        hub = Hub(lambda: {"a1": Caller(ours, 30.0)})
        theirs.close()

        for connection_id in ("a1-xyz", "b2-xyz", "xyz"):
            with pytest.raises(Gone):
                hub.post(connection_id, b"{}")
            hub.close(connection_id)

        ours.close()

    def test_a_worker_that_does_not_answer_is_busy(self) -> None:
        ours, theirs = Pipe()
        hub = Hub(lambda: {"a1": Caller(ours, 0.01)})

        with pytest.raises(Busy):
            hub.post("a1-xyz", b"{}")
        hub.close("a1-xyz")

        ours.close()
        theirs.close()
