"""The Lambda handler behind a real socket: each HTTP request becomes an event of API Gateway."""

import os
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import HTTPServer
from importlib import import_module
from typing import Any

from app.config import Settings
from tests.support.http_servers import Responder, served_by
from tests.support.payloads import http_api
from tests.support.server_process import environment, started

AWS = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}


class Worker(Responder):
    """Lambda's own API, which accepts all invocations of the worker function and runs none."""

    def do_POST(self) -> None:
        self.body()
        self.respond(202)


def gateway(handler: Callable[[dict[str, Any], None], Mapping[str, Any]]) -> type[Responder]:
    """Returns what turns requests into events of an HTTP API, and the handler's results into responses."""

    class Gateway(Responder):
        def hand_on(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            result = handler(http_api((self.command, self.path, headers, self.body() or None)), None)
            content = result.get("body", "")
            decoded = b64decode(content) if result.get("isBase64Encoded") else content.encode()
            self.respond(result["statusCode"], decoded, result.get("headers"))

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Gateway, f"do_{method}", Gateway.hand_on)
    return Gateway


def serve(variables: Mapping[str, str], port: int) -> None:
    """Serves one request at a time, as an instance of a function does, until the process is terminated."""
    os.environ.clear()
    os.environ.update(variables)
    handler = import_module("app.entry.aws.handler").handler
    HTTPServer(("127.0.0.1", port), gateway(handler)).serve_forever()


@contextmanager
def bridged(settings: Settings, project: str) -> Iterator[str]:
    """The address of the handler."""
    with served_by(Worker) as worker:
        variables = {"SERENDIP_WORKER_FUNCTION": "worker", "AWS_ENDPOINT_URL_LAMBDA": worker}
        with started(serve, environment(settings, project) | AWS | variables) as server:
            yield server.base
