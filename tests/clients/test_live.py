"""Live lists of the Python client: they follow events, outlast their connections, and end when they are closed."""

import asyncio
import socket
from datetime import UTC, datetime
from threading import Timer

import orjson
import pytest
from serendip_client import AsyncLiveLists, AsyncSerendip, LiveList, LiveLists, Serendip, SerendipError
from serendip_client.live import address, lists_in, report
from serendip_client.models import TicketView

from tests.clients.conftest import Place

EVENT = {"events": [{"user_id": "ann", "item_id": "tea"}]}
ITEMS = {"items": [{"item_id": "milk"}, {"item_id": "tea"}]}
FOLLOWED = [["milk", "tea"], ["milk"], ["milk"]]
"""Before an event with tea, after it, and after the connection was lost."""


def ids(live: LiveList) -> list[str]:
    return sorted(item.item_id for item in live.items)


class TestLists:
    def test_they_follow_events_and_outlast_a_connection(self, server: Place) -> None:
        seen: list[list[str]] = []
        errors: list[Exception] = []
        with Serendip(server.base, server.key()) as client:
            client.put_items(ITEMS)
            with LiveLists(client, on_error=errors.append, user_id="ann", limit=5) as lists:
                for live in lists:
                    assert live.user_id == "ann"
                    seen.append(ids(live))
                    if len(seen) == 1:
                        client.send_events(EVENT)
                    elif len(seen) == 2:
                        connection = lists._socket  # noqa: SLF001 - the network fails
                        assert connection is not None
                        connection.socket.shutdown(socket.SHUT_RDWR)
                    else:
                        lists.close()

        assert seen == FOLLOWED
        assert errors

    def test_they_do_so_asynchronously(self, server: Place) -> None:
        seen: list[list[str]] = []
        errors: list[Exception] = []

        async def follow() -> None:
            async with AsyncSerendip(server.base, server.key()) as client:
                await client.put_items(ITEMS)
                async with AsyncLiveLists(client, on_error=errors.append, user_id="ann") as lists:
                    async for live in lists:
                        seen.append(ids(live))
                        if len(seen) == 1:
                            await client.send_events(EVENT)
                        elif len(seen) == 2:
                            connection = lists._socket  # noqa: SLF001 - the network fails
                            assert connection is not None
                            connection.transport.abort()
                        else:
                            await lists.close()

        asyncio.run(follow())

        assert seen == FOLLOWED
        assert errors

    def test_they_end_when_another_thread_closes_them(self, server: Place) -> None:
        with Serendip(server.base, server.key()) as client:
            lists = LiveLists(client, user_id="ann")
            closing = Timer(0.5, lists.close)
            for live in lists:
                assert live.items == []
                closing.start()

            closing.join()

    def test_a_refusal_is_raised(self, server: Place) -> None:
        async def follow() -> None:
            async with AsyncSerendip(server.base, server.key()) as client:
                async for _ in AsyncLiveLists(client, user_id="ann", scenario="missing"):
                    pass

        with Serendip(server.base, server.key()) as client, pytest.raises(SerendipError) as invalid:
            next(iter(LiveLists(client, user_id="not an id")))
        with pytest.raises(SerendipError) as missing:
            asyncio.run(follow())

        assert (invalid.value.status, missing.value.status) == (422, 404)


class TestFrames:
    def test_an_error_that_passes_opens_another_connection(self) -> None:
        problem = {"action": "error", "title": "Busy", "status": 503, "detail": "Later.", "retry_after": 7}
        passed: list[Exception] = []

        with pytest.raises(SerendipError) as raised:
            next(lists_in(orjson.dumps(problem)))
        report(raised.value, passed.append)

        assert (raised.value.title, raised.value.retry_after_seconds) == ("Busy", 7)
        assert passed == [raised.value]

    @pytest.mark.parametrize(
        ("base", "socket_url", "expected"),
        [
            ("https://api.example/live/", None, "wss://api.example/live/v1/socket?ticket=a%2Bb"),
            ("https://api.example", "wss://http.example/live", "wss://http.example/live?ticket=a%2Bb"),
        ],
    )
    def test_a_ticket_opens_the_socket_of_the_server_or_its_own(
        self, base: str, socket_url: str | None, expected: str
    ) -> None:
        ticket = TicketView(expires_at=datetime.now(UTC), socket_url=socket_url, ticket="a+b")

        assert address(ticket, base) == expected
