"""A fake of API Gateway's management API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import orjson

from tests.support.http_servers import Responder, served_by


class Gateway:
    """Records posted frames and can refuse them."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.posted: list[tuple[str, bytes]] = []
        self.deleted: list[str] = []
        self.answers: list[int] = []
        """Statuses of the next calls; 200 when empty."""

    def frames(self) -> list[dict[str, Any]]:
        return [orjson.loads(frame) for _, frame in self.posted]

    @contextmanager
    def serving(self) -> Iterator[str]:
        gateway = self

        class Handler(Responder):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.body()
                status = gateway.answers.pop(0) if gateway.answers else 200
                if status == 200:
                    gateway.posted.append((self._connection(), body))
                self._answer(status)

            def do_DELETE(self) -> None:
                gateway.deleted.append(self._connection())
                self._answer(204)

            def _connection(self) -> str:
                return unquote(self.path.rpartition("/")[2])

            def _answer(self, status: int) -> None:
                kinds = {410: "GoneException", 413: "PayloadTooLargeException", 429: "LimitExceededException"}
                self.respond(status, headers={"x-amzn-ErrorType": kinds[status]} if status in kinds else None)

        with served_by(Handler) as address:
            yield f"{address}/live"
