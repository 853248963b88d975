"""Around every request: its id and its deadline. Pure ASGI."""

import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.deadline import within

REQUEST_ID = "x-request-id"
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._:~|@=+/-]{1,128}")


class RequestContext:
    def __init__(self, app: ASGIApp, *, deadline_seconds: float) -> None:
        self._app, self._deadline_seconds = app, deadline_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = scope["request_id"] = given if ACCEPTED_ID.fullmatch(given) else uuid4().hex

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with within(self._deadline_seconds):
            await self._app(scope, receive, send_with_id)
