"""The place of an HTTP request among those that are worked on."""

from asyncio import AbstractEventLoop
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.deadline import outside_is
from app.entry.local.overload.gate import Gate, Visit
from app.entry.local.overload.place import Place
from app.entry.local.overload.refusal import DETAIL
from app.entry.local.overload.rooms import Rooms
from app.errors import Overloaded


class Turn(Place):
    """A place that is free while the body of its request arrives."""

    def __init__(self, rooms: Rooms, gate: Gate, visit: Visit, credentials: int, loop: AbstractEventLoop) -> None:
        super().__init__(rooms, gate, visit, loop)
        self._credentials, self._has_place = credentials, True

    def end(self) -> None:
        """Frees the place of what was no request."""
        self._gate.pause(self._visit)

    def taking(self, app: ASGI3Application, cycle: RequestResponseCycle) -> ASGI3Application:
        """Returns the application for this request; it leaves the gate when the application has returned."""

        async def run(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
            try:
                with outside_is(self.outside):
                    await app(scope, self._apart(receive, cycle), send)
            finally:
                if self._has_place:
                    self.leave()
                else:
                    self._rooms.arriving -= 1
                self._rooms.learn(self._credentials, scope.get("principal"))

        return run

    def _apart(self, receive: Any, cycle: RequestResponseCycle) -> Any:  # noqa: ANN401 - uvicorn's
        """Frees the place while the body arrives, so that slow senders take no room from others."""

        async def receive_apart() -> Any:  # noqa: ANN401
            if self._has_place and cycle.more_body:
                self._pause()
            message = await receive()
            if not self._has_place and message["type"] == "http.request" and not message["more_body"]:
                await self.take()
            return message

        return receive_apart

    def _pause(self) -> None:
        """Raises Overloaded if too many bodies are arriving."""
        if self._rooms.arriving >= self._rooms.most_arriving:
            raise Overloaded(DETAIL)
        self._rooms.arriving += 1
        self._has_place = False
        self._gate.pause(self._visit)

    def _start(self) -> None:
        super()._start()
        self._rooms.arriving -= 1
