"""Bodies that arrive slowly."""

from typing import Any

import anyio
import anyio.lowlevel
import pytest
from starlette.types import Message

from app.api.application import create_application
from app.config import Settings
from app.domain.access import Scope
from app.wiring import Wired
from tests.support.builders import a_key, wired_on

START = b'{"user_id": "ann", '


@pytest.fixture
def slow(wired: Wired, settings: Settings) -> Any:
    """A deployment that works on one request at a time and gives each three seconds."""
    del wired  # its tables exist
    narrow = wired_on(settings.model_copy(update={"max_requests": 1, "request_deadline_seconds": 3.0}))
    yield narrow
    narrow.close()


async def answered(application: Any, key: str, method: str, path: str, receive: Any) -> Message:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"x-api-key", key.encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
    await application(scope | {"headers": headers, "scheme": "http", "server": ("test", 80)}, receive, send)
    return sent[0]


def test_a_body_that_stalls_is_cut_off_and_takes_no_room_from_others(slow: Wired, settings: Settings) -> None:
    application, key = create_application(slow.services), a_key(slow, settings.project, Scope.ADMIN)
    answers: dict[str, int] = {}

    async def run() -> None:
        stalls = anyio.Event()

        async def stalling() -> Message:
            if not stalls.is_set():
                stalls.set()
                return {"type": "http.request", "body": START, "more_body": True}
            await anyio.sleep_forever()
            raise AssertionError

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def ask(name: str, method: str, path: str, receive: Any) -> None:
            answers[name] = (await answered(application, key, method, path, receive))["status"]

        await ask("warm", "GET", "/v1/principal", nothing)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "slow", "POST", "/v1/events", stalling)
            await stalls.wait()
            await anyio.lowlevel.checkpoint()
            await ask("beside", "GET", "/v1/principal", nothing)
            answers["slow_is_waiting"] = int("slow" not in answers)

    anyio.run(run)

    assert answers == {"warm": 200, "beside": 200, "slow_is_waiting": 1, "slow": 408}
