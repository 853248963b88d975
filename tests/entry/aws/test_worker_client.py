"""Starts jobs on the worker function, against a server that imitates Lambda's Invoke operation."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import orjson
import pytest

from app.config import Settings
from app.entry.aws.worker_client import invoke
from app.errors import WorkerUnavailable

SETTINGS = Settings(secret="tests only: not a secret at all!!", worker_function="serendip-worker")  # noqa: S106


class Lambda(HTTPServer):
    status = 202
    invoked: list[tuple[str, str | None, Any]]


class Handler(BaseHTTPRequestHandler):
    server: Lambda

    def do_POST(self) -> None:
        body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.invoked.append((self.path, self.headers["X-Amz-Invocation-Type"], body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambda]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server = Lambda(("127.0.0.1", 0), Handler)
    server.invoked = []
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class TestInvoke:
    def test_the_worker_function_is_invoked_asynchronously(self, function: Lambda) -> None:
        invoke(SETTINGS, {"serendip": "job"}, f"http://127.0.0.1:{function.server_port}")

        path = "/2015-03-31/functions/serendip-worker/invocations"
        assert function.invoked == [(path, "Event", {"serendip": "job"})]

    def test_a_refused_invocation_raises_worker_unavailable(self, function: Lambda) -> None:
        function.status = 403

        with pytest.raises(WorkerUnavailable, match="did not accept the job"):
            invoke(SETTINGS, {}, f"http://127.0.0.1:{function.server_port}")
