"""Starts jobs on the worker function, against a server that imitates Lambda's Invoke operation."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from app.config import Settings
from app.entry.aws.worker_client import invoke
from app.errors import WorkerUnavailable
from tests.support.http_servers import Responder, served_by

SETTINGS = Settings(secret="tests only: not a secret at all!!", worker_function="serendip-worker")  # noqa: S106


@dataclass
class Lambda:
    address: str = ""
    status: int = 202
    invoked: list[tuple[str, str | None, Any]] = field(default_factory=list)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambda]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    function = Lambda()

    class Handler(Responder):
        def do_POST(self) -> None:
            function.invoked.append((self.path, self.headers["X-Amz-Invocation-Type"], orjson.loads(self.body())))
            self.respond(function.status)

    with served_by(Handler) as function.address:
        yield function


class TestInvoke:
    def test_the_worker_function_is_invoked_asynchronously(self, function: Lambda) -> None:
        invoke(SETTINGS, {"serendip": "job"}, function.address)

        path = "/2015-03-31/functions/serendip-worker/invocations"
        assert function.invoked == [(path, "Event", {"serendip": "job"})]

    def test_a_refused_invocation_raises_worker_unavailable(self, function: Lambda) -> None:
        function.status = 403

        with pytest.raises(WorkerUnavailable, match="did not accept the job"):
            invoke(SETTINGS, {}, function.address)
