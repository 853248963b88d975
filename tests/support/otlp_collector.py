"""An OpenTelemetry collector on a real socket, which stores what it receives."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from gzip import decompress

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.http_servers import Responder, served_by


@dataclass
class Collector:
    endpoint: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)

    def spans(self) -> list[Span]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(Responder):
        def do_POST(self) -> None:
            body = self.body()
            collector.headers.append(self.headers)
            collector.bodies.append(decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.respond(200)

    with served_by(Handler) as collector.endpoint:
        yield collector
