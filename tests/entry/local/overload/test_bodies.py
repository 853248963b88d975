"""Bodies that arrive slowly."""

import asyncio

import pytest

from app.api.application import create_application
from app.config import Settings
from app.domain.access import Scope
from app.entry.local.overload.rooms import Rooms
from app.wiring import Wired
from tests.support.builders import a_key, wired_on
from tests.support.gated_server import served

HEAD = (
    "POST /v1/events HTTP/1.1\r\nHost: test\r\nX-API-Key: {}\r\n"
    "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n"
)
BODY = b'{"events": [{"user_id": "ann", "item_id": "a"}]}'


@pytest.fixture
def slow(wired: Wired, settings: Settings) -> Wired:
    """A deployment that gives each request three seconds."""
    del wired  # its tables exist
    return wired_on(settings.model_copy(update={"request_deadline_seconds": 3.0}))


def test_a_body_that_stalls_is_cut_off_and_takes_no_room_from_others(slow: Wired, settings: Settings) -> None:
    key = a_key(slow, settings.project, Scope.ADMIN)

    async def run() -> tuple[int, bool, bytes]:
        rooms = Rooms(1)
        async with served(create_application(slow.services), rooms) as client:
            headers = {"X-API-Key": key}
            reader, writer = await _sent(client.base_url.port, key, BODY[:20])
            while not rooms.arriving:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
            beside = await client.get("/v1/items", headers=headers)
            was_waiting = rooms.arriving == 1
            head = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            return beside.status_code, was_waiting, head[9:12]

    assert asyncio.run(run()) == (200, True, b"408")
    slow.close()


def test_a_body_that_arrives_in_parts_is_worked_on_when_it_is_complete(slow: Wired, settings: Settings) -> None:
    key = a_key(slow, settings.project, Scope.ADMIN)

    async def run() -> tuple[bytes, int, int]:
        rooms = Rooms(1)
        async with served(create_application(slow.services), rooms) as client:
            reader, writer = await _sent(client.base_url.port, key, BODY[:20])
            while not rooms.arriving:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
            writer.write(BODY[20:])
            head = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            while rooms.work.open:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
            return head[9:12], rooms.arriving, rooms.work.open

    assert asyncio.run(run()) == (b"202", 0, 0)
    slow.close()


def test_bodies_that_arrive_are_bounded_in_number(slow: Wired, settings: Settings) -> None:
    key = a_key(slow, settings.project, Scope.ADMIN)

    async def run() -> list[bytes]:
        rooms = Rooms(1)
        async with served(create_application(slow.services), rooms) as client:
            connections = []
            for number in range(rooms.most_arriving + 1):
                connections.append(await _sent(client.base_url.port, key, BODY[:20]))
                while rooms.arriving < min(number + 1, rooms.most_arriving):  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.01)
            heads = [await reader.readuntil(b"\r\n\r\n") for reader, _ in reversed(connections)]
            for _, writer in connections:
                writer.close()
            return [head[9:12] for head in heads]

    assert asyncio.run(run()) == [b"503", *[b"408"] * 4]
    slow.close()


async def _sent(port: int | None, key: str, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Sends a request whose body is not complete."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD.format(key, len(BODY)).encode() + body)
    return reader, writer
