"""API Gateway's WebSocket events, and its management API, which sends frames to clients."""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from app.api.http import problems
from app.api.sockets.frames import MAX_FRAME_BYTES
from app.api.sockets.handshake import Handshake
from app.api.sockets.push import Busy, Gone, TooLarge
from app.api.sockets.session import SocketApi
from app.config import Settings
from app.entry.stream import Consumer, Record
from app.errors import SerendipError
from app.services.bundle import Services
from app.storage.aws import client

ATTEMPTS = 4
PAUSE_SECONDS = 0.1
GONE, TOO_LARGE = "GoneException", "PayloadTooLargeException"


class ManagementApi:
    """Posts frames to API Gateway's connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: BaseClient | None = None

    def post(self, connection_id: str, frame: bytes) -> None:
        """Raises Gone, Busy or TooLarge."""
        if len(frame) > MAX_FRAME_BYTES:
            raise TooLarge
        self._call("post_to_connection", ConnectionId=connection_id, Data=frame)

    def close(self, connection_id: str) -> None:
        try:
            self._call("delete_connection", ConnectionId=connection_id)
        except (Gone, Busy):
            return

    def _call(self, operation: str, **request: object) -> None:
        if self._client is None:  # created on first use: most functions never push
            settings = self._settings
            self._client = client(
                "apigatewaymanagementapi",
                settings.region,
                read_timeout_seconds=2,
                endpoint=settings.socket_endpoint,
                attempts=1,
            )
        for attempt in range(ATTEMPTS):
            try:
                getattr(self._client, operation)(**request)
            except (BotoCoreError, ClientError) as error:
                code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
                if code in {GONE, "410"}:
                    raise Gone from error
                if code in {TOO_LARGE, "413"}:
                    raise TooLarge from error
                if attempt == ATTEMPTS - 1:
                    raise Busy from error
                time.sleep(random.uniform(0, PAUSE_SECONDS * 2**attempt))  # noqa: S311
            else:
                return


class Live:
    """Live sockets and the stream that pushes to them; `entry.local.server` does the same on a laptop."""

    def __init__(self, services: Services) -> None:
        self._sockets = SocketApi(services, ManagementApi(services.settings))
        self._consumer = Consumer(services, self._sockets)

    def apply(self, records: Sequence[Record]) -> dict[str, Any]:
        """Applies a batch of the stream; the response names the first record to deliver again."""
        failed = self._consumer.apply(records)
        return {"batchItemFailures": [{"itemIdentifier": failed}] if failed is not None else []}

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Handles one event of a WebSocket API: CONNECT, MESSAGE or DISCONNECT."""
        context = event["requestContext"]
        connection_id = context["connectionId"]
        if context["eventType"] == "CONNECT":
            return self._connect(connection_id, event)
        if context["eventType"] == "MESSAGE":
            self._sockets.receive(connection_id, event.get("body") or "")
        else:
            self._sockets.disconnect(connection_id)
        return {"statusCode": 200}

    def _connect(self, connection_id: str, event: Mapping[str, Any]) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        ticket = (event.get("queryStringParameters") or {}).get("ticket")
        try:
            protocol = self._sockets.connect(connection_id, Handshake(headers, ticket))
        except SerendipError as error:
            refused = problems.of(error, event["requestContext"].get("requestId", ""))
            body = bytes(refused.body).decode()
            return {"statusCode": refused.status_code, "headers": dict(refused.headers), "body": body}
        return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": protocol} if protocol else {}}
