"""The two ways to call DynamoDB, and a server that replies as scripted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any
from zlib import crc32

import orjson
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
)

from app.storage.connection import MeteredConnection, unexplained
from tests.support.http_servers import Responder, served_by

TABLE = "serendip-items"
ANSWER: dict[str, Any] = {"Attributes": {"key": {"S": "a"}}}
Calls = Callable[[str, dict[str, Any]], Any]


def a_connection(endpoint: str | None, **changes: Any) -> MeteredConnection:
    settings: dict[str, Any] = {
        "attempts": 3,
        "connect_timeout_seconds": 1.0,
        "read_timeout_seconds": 2.0,
        "max_pool_connections": 4,
        "aws_access_key_id": "local",
        "aws_secret_access_key": "local",
        "region": "us-east-1",
    }
    return MeteredConnection(None, unexplained, host=endpoint, **{**settings, **changes})


@contextmanager
def both(endpoint: str, **changes: Any) -> Iterator[dict[str, Calls]]:
    """Yields how to call through botocore and on the lean path."""
    connection = a_connection(endpoint, **changes)
    botocore = connection._botocore()  # noqa: SLF001
    yield {"botocore": botocore._make_api_call, "lean": connection.client._make_api_call}  # noqa: SLF001
    connection.client.close()
    botocore.close()


def outcome(call: Calls, operation: str, request: dict[str, Any]) -> Any:
    """Returns the answer without metadata, or the error with all that storage reads of it."""
    try:
        answer = call(operation, request)
    except ClientError as error:
        facts = {name: error.response.get(name) for name in ("Error", "CancellationReasons", "Item")}
        return ClientError, facts, error.response["ResponseMetadata"]["HTTPStatusCode"]
    except BotoCoreError as error:
        return type(error)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


class Server:
    """Replies to each call as scripted; the last reply is repeated."""

    def __init__(self) -> None:
        self.address = ""
        self.requests: list[dict[str, str]] = []
        self._replies: list[Callable[[Responder], None]] = []

    def play(self, *replies: Callable[[Responder], None]) -> None:
        self.requests, self._replies = [], list(replies)

    def reply(self, responder: Responder) -> None:
        self.requests.append({**dict(responder.headers), "body": responder.body().decode()})
        self._replies[min(len(self.requests), len(self._replies)) - 1](responder)


@contextmanager
def scripted(tls: SSLContext | None = None) -> Iterator[Server]:
    playing = Server()

    class Handler(Responder):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            playing.reply(self)

    with served_by(Handler, tls) as playing.address:
        yield playing


def reply(status: int, body: Any, **headers: str) -> Callable[[Responder], None]:
    """Replies with JSON, or with a text as it is."""
    content = body.encode() if isinstance(body, str) else orjson.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    checked = {"x-amz-crc32": str(crc32(content)), "x-amzn-requestid": "r-1", **named}
    return lambda responder: responder.respond(status, content, checked)


def refuse(kind: str, status: int = 400, **members: Any) -> Callable[[Responder], None]:
    return reply(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": "No.", **members})


FINE = reply(200, ANSWER)
