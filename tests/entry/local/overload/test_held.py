"""Plain requests wait for a place before they are parsed, over real connections."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.types import Receive, Scope, Send

from app.entry.local.overload import gate, protocol
from app.entry.local.overload.heads import credentials_in, plain_head
from app.entry.local.overload.limit import FixedLimit
from app.entry.local.overload.rooms import Rooms
from app.entry.local.server import LOOPBACK
from tests.support.gated_server import Connection, started

MOST_SECONDS = 60
HOLD, WORK = "/v1/hold", "/v1/work"


def get(path: str, *fields: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


class Shop:
    """A server whose only place a request takes until it is released."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.released = asyncio.Event()
        self.rooms = Rooms(1)
        self.rooms.work._limit = FixedLimit(1)  # noqa: SLF001 - it would grow while nothing is answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        self.begun.append(scope["path"])
        if scope["path"] == HOLD:
            await self.released.wait()
        content = scope["path"].encode()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def waits(self, count: int) -> None:
        """Returns once this many requests wait at the gate."""
        while self.rooms.work.waiting != count:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with started(self, self.rooms) as (self.server, self.port):
            yield

    async def connection(self) -> Connection:
        return Connection(*await asyncio.open_connection(LOOPBACK, self.port))


Test = Callable[[Shop, Connection], Awaitable[None]]


def run(test: Test) -> None:
    """Runs a test with a connection to a server whose place is taken."""

    async def main() -> None:
        shop = Shop()
        async with asyncio.timeout(MOST_SECONDS), shop.running():
            other, connection = await shop.connection(), await shop.connection()
            await other.send(get(HOLD))
            while shop.begun != [HOLD]:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
            await test(shop, connection)
            shop.released.set()
            await connection.close()
            await other.close()

    asyncio.run(main())


def test_it_begins_when_there_is_a_place() -> None:
    async def test(shop: Shop, connection: Connection) -> None:
        await connection.send(get(WORK))
        await shop.waits(1)
        before = [*shop.begun]
        shop.released.set()

        assert await connection.answer() == (200, WORK.encode())
        assert before == [HOLD]

    run(test)


def test_what_follows_on_the_connection_is_answered_in_order() -> None:
    async def test(shop: Shop, connection: Connection) -> None:
        await connection.send(get("/v1/first"))
        await shop.waits(1)
        for part in (get("/v1/second"), get("/v1/third")[:20], get("/v1/third")[20:]):
            await connection.send(part)
            await asyncio.sleep(0.05)
        shop.released.set()

        assert [await connection.answer() for _ in range(3)] == [
            (200, path) for path in (b"/v1/first", b"/v1/second", b"/v1/third")
        ]

    run(test)


def test_what_follows_a_refused_one_is_read() -> None:
    async def test(shop: Shop, connection: Connection) -> None:
        shop.rooms.work._most_waiting = 0  # noqa: SLF001
        await connection.send(get(WORK))
        refused = await connection.answer()
        await connection.send(get("/health/live"))

        assert (refused[0], await connection.answer(), shop.begun) == (
            503,
            (200, b"/health/live"),
            [HOLD, "/health/live"],
        )

    run(test)


def test_a_connection_whose_only_request_was_refused_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shop: Shop, connection: Connection) -> None:
        shop.rooms.work._most_waiting = 0  # noqa: SLF001
        await connection.send(get(WORK))
        refused = await connection.answer()
        await asyncio.sleep(1.5)
        await connection.send(get("/health/live"))

        assert (refused[0], await connection.answer()) == (503, (200, b"/health/live"))

    monkeypatch.setattr(protocol, "FIRST_REQUEST_SECONDS", 1.0)
    run(test)


def test_what_came_while_it_waited_is_read_after_its_refusal() -> None:
    async def test(shop: Shop, connection: Connection) -> None:
        await connection.send(get(WORK))
        await shop.waits(1)
        await connection.send(get("/health/live"))
        await asyncio.sleep(0.05)
        shop.rooms.work._most_waiting = 0  # noqa: SLF001
        another = await shop.connection()
        await another.send(get(WORK))  # the oldest is refused for it
        refused = await connection.answer()

        assert (refused[0], await connection.answer()) == (503, (200, b"/health/live"))
        await another.close()

    run(test)


def test_one_that_is_not_valid_after_all_takes_no_place() -> None:
    async def test(shop: Shop, connection: Connection) -> None:
        await connection.send(get(WORK, "Odd: a\0b"))
        await shop.waits(1)
        shop.released.set()
        status, _ = await connection.answer()
        another = await shop.connection()
        await another.send(get(WORK))

        assert (status, await another.answer()) == (400, (200, WORK.encode()))
        await another.close()

    run(test)


def test_one_whose_client_is_gone_never_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shop: Shop, connection: Connection) -> None:
        await connection.send(get(WORK))
        await shop.waits(1)
        await connection.close()
        await shop.waits(0)
        shop.released.set()
        await asyncio.sleep(0.2)

        assert shop.begun == [HOLD]

    monkeypatch.setattr(gate, "BURST_SECONDS", 10 * MOST_SECONDS)  # it would be refused meanwhile
    run(test)


def test_a_server_that_stops_answers_it_and_closes_the_connection() -> None:
    async def test(shop: Shop, connection: Connection) -> None:
        await connection.send(get(WORK))
        await shop.waits(1)
        shop.server.should_exit = True
        await asyncio.sleep(0.5)
        shop.released.set()

        assert await connection.answer() == (200, WORK.encode())
        assert await connection.reader.read() == b""

    run(test)


class TestPlainHead:
    def test_it_has_the_path_and_the_credentials(self) -> None:
        head = plain_head(
            get("/v1/items?a=%20b", "Connection: keep-alive", "x-api-key:  sk_1", "AUTHORIZATION: Bearer t")
        )

        assert head is not None
        assert head.path == "/v1/items"
        assert head.credentials == credentials_in(
            [(b"connection", b"keep-alive"), (b"x-api-key", b"sk_1"), (b"authorization", b"Bearer t")]
        )

    @pytest.mark.parametrize(
        "data",
        [
            get("/health/live"),
            get("/v1/%6beys"),
            get("/v1/items", "Connection: close"),
            get("/v1/items", "connection:Upgrade", "Upgrade: websocket"),
            get("/v1/items", "Content-Length: 0"),
            get("/v1/items", "transfer-encoding: chunked"),
            get("/v1/items", "Expect: 100-continue"),
            get("/v1/items").replace(b"GET", b"POST"),
            get("/v1/items").replace(b"1.1", b"1.0"),
            get("/v1/items")[:-1],
            get("/v1/items") * 2,
            get("/v1/items", "folded: a\r\n b"),
            b"GET /v1/items HTTP/1.1\r\n\r\n",
        ],
    )
    def test_anything_else_is_parsed_at_once(self, data: bytes) -> None:
        assert plain_head(data) is None
