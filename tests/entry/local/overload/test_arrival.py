"""When a request whose body has not arrived reaches the application."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from app.entry.local.overload import protocol
from app.entry.local.overload.rooms import Rooms
from tests.support.gated_server import Connection, served

NEVER_SECONDS, SOON_SECONDS = 600.0, 0.05
MOST_SECONDS = 120


class Application:
    """Reads bodies, remembers them, and answers."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.append(scope["path"])
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def begins(self, *paths: str) -> None:
        """Waits until it has begun these requests."""
        while self.begun != [*paths]:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)


Test = Callable[[Connection, Application], Awaitable[None]]


def run(test: Test) -> None:
    async def main() -> None:
        application = Application()
        async with asyncio.timeout(MOST_SECONDS), served(application, Rooms(2)) as client:
            assert (await client.get("/v1/warm")).is_success
            application.begun.clear()
            application.bodies.clear()
            sender = Connection(*await asyncio.open_connection(client.base_url.host, client.base_url.port))
            await test(sender, application)
            await sender.close()

    asyncio.run(main())


def post(size: int, *fields: str, path: str = "/v1/events") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {size}", *fields, "", ""]).encode()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests wait for their body however long it takes."""
    monkeypatch.setattr(protocol, "BODY_SECONDS", NEVER_SECONDS)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "BODY_SECONDS", SOON_SECONDS)


@pytest.mark.usefixtures("patient")
class TestWaiting:
    def test_it_begins_when_the_body_is_complete(self) -> None:
        async def test(sender: Connection, application: Application) -> None:
            await sender.send(post(4) + b"bo")
            await asyncio.sleep(0.2)
            before = [*application.begun]
            await sender.send(b"dy")

            assert (await sender.status(), before, application.bodies) == (200, [], [b"body"])

        run(test)

    def test_one_without_a_body_begins_at_once(self) -> None:
        async def test(sender: Connection, application: Application) -> None:
            await sender.send(b"GET /v1/items HTTP/1.1\r\nHost: x\r\n\r\n" + post(0))

            assert [await sender.status(), await sender.status()] == [200, 200]
            assert application.bodies == [b"", b""]

        run(test)

    def test_a_large_body_is_not_waited_for(self) -> None:
        async def test(sender: Connection, application: Application) -> None:
            await sender.send(post(100_000) + b"x" * (protocol.BODY_BYTES + 1))
            await application.begins("/v1/events")
            await sender.send(b"x" * (100_000 - protocol.BODY_BYTES - 1))

            assert (await sender.status(), len(application.bodies[0])) == (200, 100_000)

        run(test)

    def test_one_that_waits_to_be_told_to_continue_begins_at_once(self) -> None:
        async def test(sender: Connection, application: Application) -> None:
            await sender.send(post(4, "Expect: 100-continue"))
            continued = await sender.status()
            await sender.send(b"body")

            assert (continued, await sender.status(), application.bodies) == (100, 200, [b"body"])

        run(test)

    def test_chunks_are_a_body(self) -> None:
        async def test(sender: Connection, application: Application) -> None:
            await sender.send(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n")
            await asyncio.sleep(0.1)
            before = [*application.begun]
            await sender.send(b"2\r\ndy\r\n0\r\n\r\n")

            assert (await sender.status(), before, application.bodies) == (200, [], [b"body"])

        run(test)


@pytest.mark.usefixtures("impatient")
class TestStalling:
    def test_it_begins_after_a_while(self) -> None:
        async def test(sender: Connection, application: Application) -> None:
            await sender.send(post(4) + b"bo")
            await application.begins("/v1/events")
            await sender.send(b"dy")

            assert (await sender.status(), application.bodies) == (200, [b"body"])

        run(test)

    def test_it_begins_after_a_while_also_behind_another_request(self) -> None:
        async def test(sender: Connection, application: Application) -> None:
            await sender.send(post(4, path="/v1/first") + b"bo")
            await application.begins("/v1/first")
            await sender.send(b"dy" + post(4, path="/v1/second") + b"bo")
            await application.begins("/v1/first", "/v1/second")
            await sender.send(b"dy")

            assert [await sender.status(), await sender.status()] == [200, 200]
            assert application.bodies == [b"body", b"body"]

        run(test)

    def test_one_whose_sender_is_gone_never_begins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def test(sender: Connection, application: Application) -> None:
            await sender.send(post(4) + b"bo")
            await sender.close()
            await asyncio.sleep(1.0)

            assert application.begun == []

        monkeypatch.setattr(protocol, "BODY_SECONDS", 0.5)
        run(test)


def test_a_body_of_many_packets_arrives_whole() -> None:
    application = Application()

    async def main() -> httpx2.Response:
        async with asyncio.timeout(MOST_SECONDS), served(application) as client:
            return await client.post("/v1/events", content=b"x" * 300_000)

    assert asyncio.run(main()).is_success
    assert application.bodies == [b"x" * 300_000]
