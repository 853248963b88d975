"""What the local server logs."""

import asyncio

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from app.entry.local import dynamodb, server
from app.wiring import Wired


class TestSockets:
    def test_a_refused_handshake_is_not_an_error_of_the_server(
        self, wired: Wired, capsys: pytest.CaptureFixture[str]
    ) -> None:
        port = dynamodb.free_port()

        async def refusal() -> InvalidStatus:
            running = uvicorn.Server(server.configured(server.with_sockets(wired)[0], port))
            serving = asyncio.create_task(running.serve())
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
