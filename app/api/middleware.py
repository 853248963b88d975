"""Around every request: its id, its deadline and a limit on its body. Pure ASGI."""

import re
from http import HTTPStatus
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.deadline import within

REQUEST_ID = "x-request-id"
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._:~|@=+/-]{1,128}")


class RequestContext:
    def __init__(self, app: ASGIApp, *, deadline_seconds: float, max_body_bytes: int) -> None:
        self._app, self._deadline_seconds, self._max_body_bytes = app, deadline_seconds, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID, "")
        request_id = scope["request_id"] = given if ACCEPTED_ID.fullmatch(given) else uuid4().hex

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        announced = headers.get("content-length", "")
        read_bytes = int(announced) if announced.isdecimal() and int(announced) > self._max_body_bytes else 0

        async def receive_limited() -> Message:
            nonlocal read_bytes
            message = {"type": "http.request"} if read_bytes > self._max_body_bytes else await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > self._max_body_bytes:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        with within(self._deadline_seconds):
            await self._app(scope, receive_limited, send_with_id)
