"""HTTP connections whose requests pass a gate before anything is done for them."""

from asyncio import AbstractEventLoop, Future, TimerHandle
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.deadline import set_outside
from app.entry.local.overload.gate import Gate, Visit
from app.entry.local.overload.refusal import DETAIL, MALFORMED, refusal
from app.entry.local.overload.rooms import Rooms, credentials_in
from app.errors import Overloaded

FIRST_REQUEST_SECONDS = 10.0
BODY_SECONDS, BODY_BYTES = 0.25, 8_192
"""How long a request waits for the rest of its body, unless this much has come: it costs next to nothing until then."""
LINGER_SECONDS = 1.0
"""How long what is left of a refused request is read: closing earlier would lose the response."""


class GatedProtocol(HttpToolsProtocol):
    def __init__(self, *args: Any, rooms: Rooms, **more: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **more)
        self._rooms = rooms
        self._forget: Callable[[], None] | None = None
        self._entering: Callable[[], None] | None = None
        """Lets a request enter whose body has not arrived."""
        self._body_wait: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401
        super().connection_made(transport)
        self._first_request = self.loop.call_later(FIRST_REQUEST_SECONDS, self._close_without_request)
        idle = self._rooms.idle
        idle[self.transport] = None
        if len(self.connections) > self._rooms.most_connections:
            next(iter(idle)).close()

    def _close_without_request(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._first_request.cancel()
        self._stop_waiting()
        if self._forget is not None:
            self._forget()
        self._rooms.idle.pop(self.transport, None)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        del msg  # uvicorn's own words
        self.transport.write(MALFORMED)
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait_for_body()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self._entering is not None and len(self.cycle.body) > BODY_BYTES:
            self._enter_now()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._enter_now()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():  # otherwise the next one has started
            self._rooms.idle[self.transport] = None
        self._wait_for_body()

    def handle_websocket_upgrade(self) -> None:
        self._first_request.cancel()
        self._rooms.idle.pop(self.transport, None)
        super().handle_websocket_upgrade()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._rooms.idle.pop(self.transport, None)
        gate = self._rooms.gate(cycle.scope["path"])
        if gate is None:
            super()._start_asgi_task(cycle, app)
            return
        self._entering = partial(self._enter, gate, cycle, app)
        if not cycle.more_body or cycle.waiting_for_100_continue:
            self._enter_now()

    def _wait_for_body(self) -> None:
        if self._entering is not None and self._body_wait is None:
            self._body_wait = self.loop.call_later(BODY_SECONDS, self._enter_now)

    def _enter_now(self) -> None:
        entering = self._entering
        self._stop_waiting()
        if entering is not None:
            entering()

    def _stop_waiting(self) -> None:
        self._entering = None
        if self._body_wait is not None:
            self._body_wait.cancel()
            self._body_wait = None

    def _enter(self, gate: Gate, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        credentials = credentials_in(cycle.scope["headers"])
        visit = Visit(self._rooms.holder(credentials), partial(self._refuse, cycle))
        turn = _Turn(self._rooms, gate, visit, cycle, self.loop)
        visit.start = partial(self._start, turn, credentials, app)
        self._forget = partial(gate.forget, visit)
        gate.enter(visit)
        self._rooms.keep_ticking(self.loop)

    def _start(self, turn: "_Turn", credentials: int, app: ASGI3Application) -> None:
        self._forget = None
        super()._start_asgi_task(turn.cycle, turn.taking(app, credentials))

    def _refuse(self, cycle: RequestResponseCycle) -> None:
        """Writes the response of a request that is not worked on."""
        self._forget = None
        self._rooms.count_refusal(self.loop)
        lacks_body = cycle.more_body and _has_body(cycle.scope["headers"])
        closes = lacks_body or not cycle.keep_alive or cycle.scope["method"] == "HEAD"
        self.transport.write(refusal(closes=closes))
        cycle.response_complete = True
        if lacks_body:
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        elif closes:
            self.transport.close()
        self.on_response_complete()


class _Turn:
    """The place of a request that is worked on."""

    def __init__(
        self, rooms: Rooms, gate: Gate, visit: Visit, cycle: RequestResponseCycle, loop: AbstractEventLoop
    ) -> None:
        self.cycle = cycle
        self._rooms, self._gate, self._visit, self._loop = rooms, gate, visit, loop
        self._has_place, self._is_outside = True, False

    def taking(self, app: ASGI3Application, credentials: int) -> ASGI3Application:
        """Returns the application for this request; it leaves the gate when the application has returned."""

        async def run(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
            set_outside(self._outside)
            try:
                await app(scope, self._apart(receive), send)
            finally:
                if self._has_place:
                    self._gate.leave(self._visit)
                else:
                    self._rooms.arriving -= 1
                self._rooms.learn(credentials, scope.get("principal"))

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

    def _apart(self, receive: Any) -> Any:  # noqa: ANN401 - uvicorn's
        """Frees the place while the body arrives, so that slow senders take no room from others."""

        async def receive_apart() -> Any:  # noqa: ANN401
            if self._has_place and self.cycle.more_body:
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


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)
