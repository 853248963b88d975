"""The place of a request among those that are worked on."""

from asyncio import AbstractEventLoop, Future
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.deadline import set_outside
from app.entry.local.overload.gate import Gate, Visit
from app.entry.local.overload.refusal import DETAIL
from app.entry.local.overload.rooms import Rooms
from app.errors import Overloaded


class Turn:
    """The place of a request that is worked on."""

    def __init__(self, rooms: Rooms, gate: Gate, visit: Visit, credentials: int, loop: AbstractEventLoop) -> None:
        self._rooms, self._gate, self._visit, self._credentials, self._loop = rooms, gate, visit, credentials, loop
        self._has_place, self._is_outside = True, False

    def end(self) -> None:
        """Frees the place."""
        self._gate.pause(self._visit)

    def taking(self, app: ASGI3Application, cycle: RequestResponseCycle) -> ASGI3Application:
        """Returns the application for this request; it leaves the gate when the application has returned."""

        async def run(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
            set_outside(self._outside)
            try:
                await app(scope, self._apart(receive, cycle), send)
            finally:
                if self._has_place:
                    self._gate.leave(self._visit)
                else:
                    self._rooms.arriving -= 1
                self._rooms.learn(self._credentials, scope.get("principal"))

        return run

    @contextmanager
    def _outside(self) -> Iterator[None]:
        """Frees the place while a thread of the request waits for another service."""
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

    def _apart(self, receive: Any, cycle: RequestResponseCycle) -> Any:  # noqa: ANN401 - uvicorn's
        """Frees the place while the body arrives, so that slow senders take no room from others."""

        async def receive_apart() -> Any:  # noqa: ANN401
            if self._has_place and cycle.more_body:
                self._pause()
            message = await receive()
            if not self._has_place and message["type"] == "http.request" and not message["more_body"]:
                await self._resume()
            return message

        return receive_apart

    def _pause(self) -> None:
        """Raises Overloaded if too many bodies are arriving."""
        if self._rooms.arriving >= self._rooms.most_arriving:
            raise Overloaded(DETAIL)
        self._rooms.arriving += 1
        self._has_place = False
        self._gate.pause(self._visit)

    async def _resume(self) -> None:
        """Takes a place again. Raises Overloaded if none becomes free."""
        admitted: Future[bool] = self._loop.create_future()

        def start() -> None:
            self._rooms.arriving -= 1
            self._has_place = True
            _set(admitted, is_admitted=True)

        self._visit.start, self._visit.refuse = start, partial(_set, admitted, is_admitted=False)
        self._gate.enter(self._visit)
        self._rooms.keep_ticking(self._loop)
        try:
            if not await admitted:
                raise Overloaded(DETAIL)
        finally:
            self._gate.forget(self._visit)


def _set(admitted: Future[bool], *, is_admitted: bool) -> None:
    if not admitted.done():
        admitted.set_result(is_admitted)
