"""How the local server accepts connections, and what it logs."""

import asyncio
import socket

import pytest
import uvicorn
import uvloop
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from app.entry.local import server
from app.wiring import Wired

CONNECTIONS = server.ACCEPTED_AT_ONCE - 1


def test_many_connections_are_accepted_in_a_turn_of_the_loop() -> None:
    async def turns() -> int:
        sockets = server.listeners(server.LOOPBACK, 0)
        running = uvicorn.Server(server.configured(FastAPI()))
        serving = asyncio.create_task(running.serve(sockets))
        while not running.started:  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(0.01)
        opened, turns = [socket.create_connection(sockets[0].getsockname()) for _ in range(CONNECTIONS)], 0
        while len(running.server_state.connections) < CONNECTIONS:
            await asyncio.sleep(0)
            turns += 1
        for connection in opened:
            connection.close()
        running.should_exit = True
        await serving
        return turns

    assert uvloop.run(turns()) < CONNECTIONS / 2


class TestSockets:
    def test_a_refused_handshake_is_not_an_error_of_the_server(
        self, wired: Wired, capsys: pytest.CaptureFixture[str]
    ) -> None:
        listener = server.listening(server.LOOPBACK, 0)
        port = listener.getsockname()[1]

        async def refusal() -> InvalidStatus:
            running = uvicorn.Server(server.configured(server.with_sockets(wired)[0]))
            serving = asyncio.create_task(running.serve([listener]))
            while not running.started:  # noqa: ASYNC110 - uvicorn has no event
                await asyncio.sleep(0.01)
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://127.0.0.1:{port}/v1/socket?ticket=forged")
            running.should_exit = True
            await serving
            return refused.value

        refused = asyncio.run(refusal())

        assert refused.response.status_code == 401
        assert b"This ticket is not valid here." in refused.response.body
        assert "ERROR" not in capsys.readouterr().err
