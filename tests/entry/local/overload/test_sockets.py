"""Handshakes and frames of live sockets when there are more requests than places."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from app.config import Settings
from app.domain.access import Scope
from app.entry.local import server
from app.entry.local.overload.gate import Gate, Visit
from app.entry.local.overload.rooms import LEAST_REQUESTS, UNKNOWN, Rooms, holder_of
from app.services.access.authentication import Credentials
from app.wiring import Wired
from tests.support.builders import a_key, wired_on
from tests.support.gated_server import started

PING = '{"action": "ping", "id": "p1"}'
OTHER = "other"


@dataclass
class Stage:
    rooms: Rooms
    port: int
    key: str
    holder: str

    def socket(self) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}/v1/socket", additional_headers={"X-API-Key": self.key})

    def fill(self, *holders: str) -> list[Visit]:
        """Takes all places for requests of these holders."""
        visits = [Visit(holder) for holder in holders]
        for visit in visits:
            self.rooms.work.enter(visit)
        assert self.rooms.work.open == LEAST_REQUESTS
        return visits

    async def until_waiting(self, count: int) -> None:
        async with asyncio.timeout(10):
            while self.rooms.work.waiting != count:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.005)


Play = Callable[[Callable[[Stage], Awaitable[None]]], None]


@pytest.fixture
def play(wired: Wired, settings: Settings) -> Iterator[Play]:
    """Runs a test's coroutine beside a server with the fewest places."""
    deployment, key = wired_on(settings), a_key(wired, settings.project, Scope.RECOMMEND)
    holder = holder_of(deployment.services.access.authenticate(Credentials(key)))
    application, _ = server.with_sockets(deployment)

    @asynccontextmanager
    async def staged() -> AsyncIterator[Stage]:
        rooms = Rooms(LEAST_REQUESTS)
        async with started(application, rooms) as (_, port):
            yield Stage(rooms, port, key, holder)
            async with asyncio.timeout(10):
                while rooms.work.open or rooms.work.waiting:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.005)

    async def run(test: Callable[[Stage], Awaitable[None]]) -> None:
        async with staged() as stage:
            await test(stage)

    yield lambda test: asyncio.run(run(test))
    deployment.close()


async def frame(socket: ClientConnection) -> dict[str, object]:
    content: dict[str, object] = orjson.loads(await asyncio.wait_for(socket.recv(), 10))
    return content


def test_a_frame_is_answered_when_a_place_is_free(play: Play) -> None:
    async def test(stage: Stage) -> None:
        async with stage.socket() as socket:
            visits = stage.fill(OTHER, OTHER)
            await socket.send(PING)
            await stage.until_waiting(1)
            for visit in visits:
                stage.rooms.work.leave(visit)

            assert await frame(socket) == {"action": "pong", "id": "p1"}

    play(test)


def test_a_frame_that_waits_too_long_is_refused_and_the_socket_stays_open(play: Play) -> None:
    async def test(stage: Stage) -> None:
        async with stage.socket() as socket:
            visits = stage.fill(OTHER, OTHER)
            await socket.send(PING)

            refused = await frame(socket)
            assert (refused["action"], refused["id"], refused["status"]) == ("error", "p1", 503)
            assert refused["detail"] == "There are too many requests right now. Try again shortly."
            assert isinstance(refused["retry_after"], int)

            for visit in visits:
                stage.rooms.work.leave(visit)
            await socket.send(PING)
            assert await frame(socket) == {"action": "pong", "id": "p1"}

    play(test)


def test_a_handshake_that_waits_too_long_is_refused(play: Play) -> None:
    async def test(stage: Stage) -> None:
        visits = stage.fill(OTHER, OTHER)

        with pytest.raises(InvalidStatus) as refused:
            async with stage.socket():
                pass

        assert refused.value.response.status_code == 503
        assert "Retry-After" in refused.value.response.headers
        for visit in visits:
            stage.rooms.work.leave(visit)

    play(test)


def test_frames_count_as_requests_of_their_key(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    holders, enter = list[str](), Gate.enter

    def observed(gate: Gate, visit: Visit) -> None:
        holders.append(visit.holder)
        enter(gate, visit)

    monkeypatch.setattr(Gate, "enter", observed)

    async def test(stage: Stage) -> None:
        async with stage.socket() as socket:
            await socket.send(PING)
            await frame(socket)
            assert holders == [UNKNOWN, stage.holder]

    play(test)


def test_a_frame_whose_client_is_gone_takes_no_place(play: Play) -> None:
    async def test(stage: Stage) -> None:
        socket = await stage.socket()
        visits = stage.fill(OTHER, OTHER)
        await socket.send(PING)
        await stage.until_waiting(1)
        socket.transport.abort()
        for visit in visits:
            stage.rooms.work.leave(visit)

    play(test)
