"""A server that answers with a script, for tests of retries."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.support.http_servers import Responder, served_by

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

    class Server(Responder):
        def do_GET(self) -> None:
            body = self.body()
            sent = {name.lower(): value for name, value in self.headers.items()}
            script.requests.append((self.path, sent, orjson.loads(body) if body else None))
            status, headers, content = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
            if status == DROPPED:
                self.close_connection = True
                return
            self.respond(status, content if isinstance(content, bytes) else orjson.dumps(content), headers)

        def do_POST(self) -> None:
            self.do_GET()

    with served_by(Server) as base:
        script.base = base
        yield script
