"""HTTP connections whose requests pass a gate before anything is done for them."""

from asyncio import TimerHandle
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.entry.local.overload.gate import Gate, Visit
from app.entry.local.overload.heads import Head, credentials_in, plain_head
from app.entry.local.overload.refusal import MALFORMED, refusal
from app.entry.local.overload.rooms import Rooms
from app.entry.local.overload.turn import Turn

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
        self._is_parsing = False
        """Whether a request has begun to arrive and is not complete."""
        self._held: list[bytes] = []
        """A request that waits for a place and has not been parsed, and what arrived after it."""
        self._admitted: Turn | None = None
        """The place of the request that is parsed now."""
        self._is_last = False
        """Whether the connection closes after the held request, because the server stops."""

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
        if self._held:
            self._held.append(data)
            self.flow.pause_reading()
            return
        head = plain_head(data) if self._is_answered and not self._is_parsing else None
        if head is not None and (gate := self._rooms.gate(head.path)) is not None:
            self._hold(data, head, gate)
        else:
            super().data_received(data)
            self._wait_for_body()

    @property
    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr] # it is None at first

    def _hold(self, data: bytes, head: Head, gate: Gate) -> None:
        """Parses a request only once there is a place for it."""
        self._first_request.cancel()
        self._unset_keepalive_if_required()
        self._rooms.idle.pop(self.transport, None)
        self._held = [data]
        self._enter(gate, head.credentials, self._start_held, self._refuse_held)

    def _start_held(self, turn: Turn) -> None:
        self._forget = None
        data, self._held, self._admitted = b"".join(self._held), [], turn
        self.flow.resume_reading()
        super().data_received(data)
        if self._admitted is not None:  # it was not valid
            self._admitted = None
            turn.end()
        if self._is_last:
            super().shutdown()
        self._wait_for_body()

    def _refuse_held(self) -> None:
        self._write_refusal(closes=self._is_last)
        _, *later = self._held
        self._held = []
        if self._is_last:
            self.transport.close()
            return
        self.on_response_complete()
        for data in later:
            self.data_received(data)

    def shutdown(self) -> None:
        if self._held:
            self._is_last = True
        else:
            super().shutdown()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_parsing = True

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self._entering is not None and len(self.cycle.body) > BODY_BYTES:
            self._enter_now()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_parsing = False
        self._enter_now()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_answered and not self.transport.is_closing():  # otherwise the next one has started
            self._rooms.idle[self.transport] = None
        self._wait_for_body()

    def handle_websocket_upgrade(self) -> None:
        self._first_request.cancel()
        self._rooms.idle.pop(self.transport, None)
        super().handle_websocket_upgrade()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._rooms.idle.pop(self.transport, None)
        turn, self._admitted = self._admitted, None
        if turn is not None:
            self._start(cycle, app, turn)
            return
        gate = self._rooms.gate(cycle.scope["path"])
        if gate is None:
            super()._start_asgi_task(cycle, app)
            return
        credentials = credentials_in(cycle.scope["headers"])
        self._entering = partial(
            self._enter, gate, credentials, partial(self._start, cycle, app), partial(self._refuse, cycle)
        )
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

    def _enter(self, gate: Gate, credentials: int, start: Callable[[Turn], None], refuse: Callable[[], None]) -> None:
        """Starts a request, now or when there is a place for it, or refuses it."""
        visit = Visit(self._rooms.holder(credentials), refuse)
        visit.start = partial(start, Turn(self._rooms, gate, visit, credentials, self.loop))
        self._forget = partial(gate.forget, visit)
        gate.enter(visit)
        self._rooms.keep_ticking(self.loop)

    def _start(self, cycle: RequestResponseCycle, app: ASGI3Application, turn: Turn) -> None:
        self._forget = None
        super()._start_asgi_task(cycle, turn.taking(app, cycle))

    def _refuse(self, cycle: RequestResponseCycle) -> None:
        lacks_body = cycle.more_body and _has_body(cycle.scope["headers"])
        closes = lacks_body or not cycle.keep_alive or cycle.scope["method"] == "HEAD"
        self._write_refusal(closes=closes)
        cycle.response_complete = True
        if lacks_body:
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        elif closes:
            self.transport.close()
        self.on_response_complete()

    def _write_refusal(self, *, closes: bool) -> None:
        """Writes the response of a request that is not worked on."""
        self._forget = None
        self._rooms.count_refusal(self.loop)
        self.transport.write(refusal(closes=closes))


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)
