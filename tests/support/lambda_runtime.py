"""The part of Lambda's Runtime API that AWS's runtime client uses: serves events, accepts responses and errors.

The protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

import orjson

from tests.support.datasets import ROOT
from tests.support.http_servers import Responder, served_by

VERSION = "/2018-06-01/runtime"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:serendip-api"
TIMEOUT_SECONDS = 60
END = b""


@dataclass(frozen=True)
class Outcome:
    """The function's result for an event."""

    kind: str
    """`response`, `error`, or `init` for an error before any event."""
    body: Any


@dataclass
class Runtime:
    """Queued events, and the outcomes of past ones."""

    events: "Queue[bytes]" = field(default_factory=Queue)
    outcomes: "Queue[Outcome]" = field(default_factory=Queue)
    number: int = 0

    def invoke(self, event: object) -> Outcome:
        """Sends an event and returns its outcome."""
        self.events.put(orjson.dumps(event))
        return self.outcomes.get(timeout=TIMEOUT_SECONDS)


@contextmanager
def runtime(variables: Mapping[str, str], handler: str = "app.entry.aws.handler.handler") -> Iterator[Runtime]:
    """Runs the function in its own process with AWS's runtime client, like Lambda's image does."""
    state = Runtime()

    class Api(Responder):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            assert self.path == f"{VERSION}/invocation/next"
            event = state.events.get()
            if event == END:
                self.close_connection = True
                return
            state.number += 1
            headers = {
                "Lambda-Runtime-Aws-Request-Id": f"request-{state.number}",
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + TIMEOUT_SECONDS) * 1_000)),
                "Lambda-Runtime-Invoked-Function-Arn": ARN,
                "Content-Type": "application/json",
            }
            self.respond(200, event, headers)

        def do_POST(self) -> None:
            body = self.body()
            kind = "init" if "/init/" in self.path else self.path.rpartition("/")[2]
            self.respond(202)
            state.outcomes.put(Outcome(kind, orjson.loads(body)))

    with served_by(Api) as address:
        own = {"AWS_LAMBDA_RUNTIME_API": address.removeprefix("http://"), "AWS_REGION": "eu-west-1"}
        own |= {"AWS_LAMBDA_FUNCTION_NAME": "serendip-api", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024"}
        own |= {"AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_LOG_FORMAT": "JSON", "PATH": os.environ["PATH"]}
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", handler],
            env={**variables, **own},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield state
        finally:
            process.terminate()
            process.wait(60)
            state.events.put(END)
