"""What a server under overload answers, over real connections."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import orjson
import pytest
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect

from app.api.http.problems import RETRY_AFTER_SECONDS
from app.domain.access import Principal
from app.entry.local.overload import protocol
from app.entry.local.overload.rooms import Rooms
from tests.support.gated_server import served

WORK = "/v1/users/ann/recommendations"
LEAST = 3


Requests = list[asyncio.Task[httpx2.Response]]

MOST_SECONDS = 120


class Application:
    """Counts requests, answers health checks and administration, and holds all others until they are released."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.released = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        self.begun.append(scope["path"])
        headers = dict(scope["headers"])
        if b"x-api-key" in headers:
            scope["principal"] = Principal("shop", frozenset(), headers[b"x-api-key"].decode())
        if scope["path"] == WORK and b"free" not in headers:
            await self.released.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


async def saturated(client: httpx2.AsyncClient, rooms: Rooms, *, leaves_share: bool = False) -> Requests:
    """Sends requests of a key, and others without one, until all that are worked on hang and no more may wait."""
    key = {"X-API-Key": "greedy"}
    assert (await client.get(WORK, headers=key | {"Free": "1"})).is_success
    requests = [asyncio.create_task(client.get(WORK, headers=key)) for _ in range(rooms.most_waiting + 32)]
    if not leaves_share:
        requests += [asyncio.create_task(client.get(WORK)) for _ in range(8)]
    while rooms.work.waiting < rooms.most_waiting or rooms.work.open < LEAST - leaves_share:
        await asyncio.sleep(0.01)
        requests.append(
            asyncio.create_task(client.get(WORK, headers=key))
        )  # on a busy machine others are refused first
    return requests


def run(test: Callable[[httpx2.AsyncClient, Application, Rooms], Awaitable[None]]) -> None:
    async def main() -> None:
        application, rooms = Application(), Rooms(LEAST)
        async with asyncio.timeout(MOST_SECONDS), served(application, rooms) as client:
            await test(client, application, rooms)
            application.released.set()

    asyncio.run(main())


def test_a_refused_request_reaches_neither_application_nor_body() -> None:
    async def test(client: httpx2.AsyncClient, application: Application, rooms: Rooms) -> None:
        requests = await saturated(client, rooms)
        refused = await client.post(WORK, content=b"x" * 100_000)
        application.released.set()
        answers = [await request for request in requests]

        assert refused.status_code == 503
        assert orjson.loads(refused.content)["type"].endswith("temporary-reduced-capacity")
        assert refused.headers["x-content-type-options"] == "nosniff"
        assert len(application.begun) == 1 + sum(answer.is_success for answer in answers)

    run(test)


def test_health_and_administration_answer_while_all_places_hang() -> None:
    async def test(client: httpx2.AsyncClient, application: Application, rooms: Rooms) -> None:
        await saturated(client, rooms)

        answers = [await client.get(path) for path in ("/health/live", "/health/ready", "/v1/keys", "/console")]

        assert [answer.status_code for answer in answers] == [200] * 4
        assert not application.released.is_set()

    run(test)


def test_one_key_at_saturation_leaves_others_their_share() -> None:
    async def test(client: httpx2.AsyncClient, application: Application, rooms: Rooms) -> None:
        headers = {"X-API-Key": "modest", "Free": "1"}
        assert (await client.get(WORK, headers=headers)).is_success
        await saturated(client, rooms, leaves_share=True)

        assert not application.released.is_set()
        assert [(await client.get(WORK, headers=headers)).status_code for _ in range(5)] == [200] * 5

    run(test)


def test_refused_requests_are_told_to_come_back_at_different_times() -> None:
    async def test(client: httpx2.AsyncClient, application: Application, rooms: Rooms) -> None:
        requests = await saturated(client, rooms)
        requests += [asyncio.create_task(client.get(WORK)) for _ in range(60)]
        application.released.set()

        seconds = {int((await each).headers.get("retry-after", 0)) for each in requests} - {0}

        assert len(seconds) > 1
        assert seconds <= set(RETRY_AFTER_SECONDS)

    run(test)


def test_a_connection_stays_open_after_a_refusal() -> None:
    async def test(client: httpx2.AsyncClient, _: Application, rooms: Rooms) -> None:
        await saturated(client, rooms)
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        statuses = []

        for path in (WORK, WORK, "/health/live"):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            statuses.append(int(head[9:12]))
            await reader.readexactly(int(httpx2.Headers(_fields(head))["content-length"]))
        writer.close()

        assert statuses == [503, 503, 200]

    run(test)


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    pairs = (line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    return [(name, value) for name, value in pairs]


def test_more_connections_than_allowed_close_idle_ones_and_none_that_is_being_answered() -> None:
    async def main() -> None:
        application = Application()
        async with served(application, Rooms(LEAST, most_connections=10)) as client:
            busy = asyncio.create_task(client.get(WORK))
            while not application.begun:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
            address = client.base_url.host, client.base_url.port
            idle = [await asyncio.open_connection(*address) for _ in range(30)]

            health = await client.get("/health/live")
            ended = await asyncio.gather(*(_has_ended(reader) for reader, _ in idle))
            application.released.set()

            assert health.is_success
            assert (await busy).is_success
            assert sum(ended) >= 20
            for _, writer in idle:
                writer.close()

    asyncio.run(main())


async def _has_ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(1), 0.5) == b""
    except TimeoutError:
        return False


@pytest.mark.parametrize("request_line", [b"GET /?" + b"x" * 70_000 + b" HTTP/1.1", b"nonsense"])
def test_what_is_no_request_or_has_too_long_a_url_gets_a_problem_document(request_line: bytes) -> None:
    async def test(client: httpx2.AsyncClient, application: Application, rooms: Rooms) -> None:
        del application, rooms
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        writer.write(request_line + b"\r\nHost: x\r\n\r\n")
        head, body = (await reader.read()).split(b"\r\n\r\n")
        writer.close()

        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in head
        assert "65,535" in orjson.loads(body)["detail"]

    run(test)


def test_a_live_socket_is_a_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "FIRST_REQUEST_SECONDS", 0.2)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        await send({"type": "websocket.send", "text": "pong"})

    async def main() -> None:
        async with (
            served(application) as client,
            connect(f"ws://{client.base_url.host}:{client.base_url.port}/v1/socket") as socket,
        ):
            await asyncio.sleep(0.6)
            await socket.send("ping")
            assert await socket.recv() == "pong"

    asyncio.run(main())
