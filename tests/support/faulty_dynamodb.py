"""A proxy for DynamoDB Local that fails like DynamoDB under load."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from zlib import crc32

import httpx2
import orjson

from tests.support.http_servers import Responder, served_by

Fault = Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]] | None]
"""Returns a response to an operation's request instead of DynamoDB's, or None; may change the request."""
UNDONE: dict[str, str] = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}


@contextmanager
def proxy(endpoint: str, fault: Fault) -> Iterator[str]:
    class Handler(Responder):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            request = orjson.loads(self.body())
            status, answer = fault(operation, request) or self.forwarded(request)
            left = request.get("left undone")
            body = orjson.dumps(answer | ({UNDONE[operation]: left} if left else {}))
            self.respond(status, body, {"Content-Type": "application/x-amz-json-1.0", "x-amz-crc32": str(crc32(body))})

        def forwarded(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            content = orjson.dumps({name: value for name, value in request.items() if name != "left undone"})
            names = ("X-Amz-Target", "Content-Type", "Authorization", "X-Amz-Date")
            answer = client.post(endpoint, content=content, headers={name: self.headers[name] for name in names})
            return answer.status_code, answer.json()

    with httpx2.Client(timeout=60) as client, served_by(Handler) as address:
        yield address


def leave_half(operation: str, request: dict[str, Any]) -> None:
    """Process the first half of a batch and report the rest as unprocessed; a batch of one is processed."""
    if operation not in UNDONE:
        return
    [(table, wanted)] = request["RequestItems"].items()
    entries = wanted if isinstance(wanted, list) else wanted["Keys"]
    half = (len(entries) + 1) // 2
    if half < len(entries):
        done, left = entries[:half], entries[half:]
        request["RequestItems"] = {table: done if isinstance(wanted, list) else {**wanted, "Keys": done}}
        request["left undone"] = {table: left if isinstance(wanted, list) else {**wanted, "Keys": left}}


def throttled() -> tuple[int, dict[str, Any]]:
    kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
    return 400, {"__type": kind, "message": "slow down"}
