"""How the local server accepts connections, and what it logs."""

import asyncio
import socket

import pytest
import uvloop
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from app.entry.local import server
from app.wiring import Wired
from tests.support.gated_server import started

CONNECTIONS = server.ACCEPTED_AT_ONCE - 1


def test_many_connections_are_accepted_in_a_turn_of_the_loop() -> None:
    async def turns() -> int:
        async with started(FastAPI()) as (running, port):
            opened, turns = [socket.create_connection((server.LOOPBACK, port)) for _ in range(CONNECTIONS)], 0
            while len(running.server_state.connections) < CONNECTIONS:
                await asyncio.sleep(0)
                turns += 1
            for connection in opened:
                connection.close()
        return turns

    assert uvloop.run(turns()) < CONNECTIONS / 2


class TestSockets:
    def test_a_refused_handshake_is_not_an_error_of_the_server(
        self, wired: Wired, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async def refusal() -> InvalidStatus:
            async with started(server.with_sockets(wired)[0]) as (_, port):
                with pytest.raises(InvalidStatus) as refused:
                    await connect(f"ws://127.0.0.1:{port}/v1/socket?ticket=forged")
            return refused.value

        refused = asyncio.run(refusal())

        assert refused.response.status_code == 401
        assert b"This ticket is not valid here." in refused.response.body
        assert "ERROR" not in capsys.readouterr().err
