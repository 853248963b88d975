"""The place of work at a gate."""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from app.deadline import outside_is
from app.entry.local.overload.gate import Gate, Visit
from app.entry.local.overload.refusal import DETAIL
from app.entry.local.overload.rooms import Rooms
from app.errors import Overloaded


class Place:
    """A place that is free while its work waits for another service."""

    def __init__(self, rooms: Rooms, gate: Gate, visit: Visit, loop: AbstractEventLoop) -> None:
        self._rooms, self._gate, self._visit, self._loop = rooms, gate, visit, loop
        self._has_place, self._is_outside = False, False

    def leave(self) -> None:
        """Frees the place, if there is one: the work is done."""
        if self._has_place:
            self._has_place = False
            self._gate.leave(self._visit)

    async def take(self) -> None:
        """Waits for a place. Raises Overloaded if none becomes free."""
        admitted: Future[bool] = self._loop.create_future()

        def start() -> None:
            self._start()
            _set(admitted, is_admitted=True)

        self._visit.start, self._visit.refuse = start, partial(_set, admitted, is_admitted=False)
        self._gate.enter(self._visit)
        self._rooms.keep_ticking(self._loop)
        try:
            if not await admitted:
                raise Overloaded(DETAIL)
        finally:
            self._gate.forget(self._visit)

    def _start(self) -> None:
        self._has_place = True

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Frees the place while a thread of the work waits for another service."""
        self._loop.call_soon_threadsafe(self._step_out)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._step_in)

    def _step_out(self) -> None:
        self._is_outside = self._has_place
        if self._is_outside:
            self._gate.pause(self._visit)

    def _step_in(self) -> None:
        if self._is_outside:
            self._gate.resume(self._visit)


@asynccontextmanager
async def place(rooms: Rooms, holder: str) -> AsyncIterator[None]:
    """A place for work that is no HTTP request. Raises Overloaded if none becomes free; the refusal is counted."""
    loop = get_running_loop()
    taken = Place(rooms, rooms.work, Visit(holder), loop)
    try:
        try:
            await taken.take()
        except Overloaded:
            rooms.count_refusal(loop)
            raise
        with outside_is(taken.outside):
            yield
    finally:
        taken.leave()


def _set(admitted: Future[bool], *, is_admitted: bool) -> None:
    if not admitted.done():
        admitted.set_result(is_admitted)
