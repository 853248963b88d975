"""A server that answers with a script, for tests of retries."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import orjson

from tests.support.http_servers import served_by

DROPPED = 0
"""The status of an answer that is a closed connection."""
Answer = tuple[int, dict[str, str], Any]


@dataclass
class Script:
    """Answers to give, the last one again and again, and the requests that came."""

    base: str
    answers: list[Answer]
    requests: list[tuple[str, Mapping[str, str], Any]] = field(default_factory=list)

    def values(self, header: str) -> list[str | None]:
        return [headers.get(header.lower()) for _, headers, _ in self.requests]


@contextmanager
def scripted(*answers: Answer) -> Iterator[Script]:
    script = Script("", list(answers))

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length", "0"))
            body = orjson.loads(self.rfile.read(size)) if size else None
            script.requests.append((self.path, {n.lower(): v for n, v in self.headers.items()}, body))
            status, headers, content = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            if status == DROPPED:
                self.close_connection = True
                return
            text = content if isinstance(content, bytes) else orjson.dumps(content)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with served_by(Server) as base:
        script.base = base
        yield script
