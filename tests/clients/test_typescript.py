"""The TypeScript client: generated from the document, strictly typed, and used on a server and behind a gateway."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser

from tests import clients
from tests.clients.conftest import Place, example
from tests.clients.scripted_server import DROPPED, Answer, scripted
from tests.clients.uses import REFUSED, uses
from tests.support import node
from tests.support.builders import until
from tests.support.chromium import needs_chromium
from tests.support.datasets import ROOT
from tests.support.http_servers import Responder, served_by

HERE = Path(__file__).parent
PROJECT = """{
  "compilerOptions": {"strict": true, "skipLibCheck": true, "target": "es2022", "module": "nodenext", "types": [],
    "lib": ["es2022", "dom", "dom.iterable"]},
  "include": ["*.ts"]
}"""
OPERATIONS = """
import { createClient, SerendipError } from "serendip-client";
declare const process: { argv: [string, string, string, string, string, string] };
const [, , baseUrl, key, administratorsKey, names] = process.argv;
const client = createClient({ baseUrl, apiKey: key });
const administrator = createClient({ baseUrl, apiKey: administratorsKey });
const values: Record<string, string> = JSON.parse(names);
const fill = (text: string) => text.replace(/\\{\\w+\\}/, (name) => values[name] ?? name);
const statuses: Record<string, number> = {};
async function refusal(answer: Promise<unknown>): Promise<number> {
  try {
    await answer;
    return 0;
  } catch (error) {
    if (error instanceof SerendipError) return error.status;
    throw error;
  }
}
"""
PROBLEM = {"type": "urn:x", "title": "Busy", "status": 503, "detail": "Later.", "instance": "r1", "errors": None}
PAGE = b"""<!doctype html><title>Shop</title><link rel="icon" href="data:,">
<script type="importmap">{"imports": {
  "serendip-client": "/node_modules/serendip-client/dist/index.js",
  "openapi-fetch": "/node_modules/openapi-fetch/dist/index.mjs"}}</script>
<script type="module">
  import { createClient, EventSender } from "serendip-client";
  const sender = new EventSender(createClient({ token: "ut_test" }), { maxEvents: 500, maxSeconds: 3600 });
  for (let i = 0; i < 120; i++) sender.add({ user_id: "ann", item_id: `i${i}` });
  globalThis.added = sender.waiting;
</script>"""
SHOWN = {
    "readme": clients.TYPESCRIPT / "README.md",
    "data": ROOT / "app" / "docs" / "data.md",
    "live": ROOT / "app" / "docs" / "live.md",
}
"""Pages with a program."""
WEBSOCKET = "--experimental-websocket"
"""Needed by Node.js 20."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiled client as a package, and compiled programs that use it."""
    folder = tmp_path_factory.mktemp("typescript")
    package = folder / "node_modules" / "serendip-client"
    package.mkdir(parents=True)
    compiler = [*clients.npm_tool("tsc"), "--project"]
    for path in (clients.TYPESCRIPT_TOOLS / "node_modules").glob("openapi-*"):
        (folder / "node_modules" / path.name).symlink_to(path)
    for name in ("package.json", "tsconfig.json", "src"):
        (package / name).symlink_to(clients.TYPESCRIPT / name)
    clients.run([*compiler, str(package), "--preserveSymlinks"], folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "tsconfig.json").write_text(PROJECT)
    for path in HERE.glob("*.ts"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "operations.ts").write_text(every_operation())
    for name, page in SHOWN.items():
        shown = example(page, "ts")
        (folder / f"{name}_example.ts").write_text(
            f"declare const process: {{ env: Record<string, string> }};\n{shown}"
        )
    clients.run([*compiler, str(folder)], folder)
    return folder


def every_operation() -> str:
    """Returns a program that calls every operation."""
    lines = [OPERATIONS]
    for use in uses():
        caller = "administrator" if use.needs_administrator else "client"
        params = {place: values for place, values in {"path": use.values, "query": use.query}.items() if values}
        init = {"params": params} if use.body is None else {"params": params, "body": use.body}
        call = f'{caller}.{use.method}("{use.path}", {literal(init)})'
        lines.append(f'statuses["{use.operation_id}"] = await refusal({call});')
    return "\n".join([*lines, "console.log(JSON.stringify(statuses));"])


def literal(value: Any) -> str:
    """Returns a value as TypeScript, in which names such as `{version}` are filled in when it runs."""
    text = re.sub(r'"([^"]*\{\w+\}[^"]*)":', r'[fill("\1")]:', orjson.dumps(value).decode())
    return re.sub(r'"([^"]*\{\w+\}[^"]*)"(?!\))', r'fill("\1")', text)


def run(folder: Path, program: str, *arguments: str) -> Any:
    """Runs a program; returns what it printed as JSON."""
    return orjson.loads(clients.run([*node.node(), WEBSOCKET, program, *arguments], folder, NODE_NO_WARNINGS="1"))


class TestTypes:
    def test_they_are_those_of_the_document(self, tmp_path: Path) -> None:
        clients.generate_typescript(tmp_path)

        stored = clients.TYPESCRIPT / "src" / clients.SCHEMA
        assert stored.read_text() == (tmp_path / clients.SCHEMA).read_text(), "run `make clients`"


class TestEveryOperation:
    @pytest.mark.parametrize("place", ["server", "gateway"])
    def test_it_is_called(self, place: str, programs: Path, request: pytest.FixtureRequest) -> None:
        called: Place = request.getfixturevalue(place)
        key, administrators_key, names = called.furnished()

        statuses = run(programs, "operations.js", called.base, key, administrators_key, orjson.dumps(names).decode())

        assert list(statuses) == [use.operation_id for use in uses()]
        assert {name: status for name, status in statuses.items() if status} == REFUSED


class TestClient:
    def test_it_pages_sends_events_and_raises(self, server: Place, programs: Path) -> None:
        clients.run([*node.node(), "calls.js", server.base, server.key()], programs)

    @pytest.mark.parametrize("name", SHOWN)
    def test_the_examples_of_the_readme_and_the_guides_run(self, name: str, server: Place, programs: Path) -> None:
        variables = {"SERENDIP_URL": server.base, "SERENDIP_API_KEY": server.key(), "NODE_NO_WARNINGS": "1"}

        output = clients.run([*node.node(), WEBSOCKET, f"{name}_example.js"], programs, **variables)

        assert output.startswith("[") or name == "data", output  # the program of data prints nothing

    def test_requests_are_repeated_with_their_idempotency_key(self, programs: Path) -> None:
        busy: Answer = (503, {"Retry-After": "0"}, PROBLEM)
        stored: Answer = (200, {}, {"changed": 1})
        answers = [busy, (DROPPED, {}, b""), stored, stored, (429, {"Retry-After": "60"}, PROBLEM), busy]
        with scripted(*answers) as script:
            results = run(programs, "retries.js", script.base)

            keys = script.values("Idempotency-Key")
            problem = {**PROBLEM, "errors": []}
            assert results == [
                1,
                1,
                {**problem, "status": 429, "retryAfterSeconds": 60},
                {**problem, "retryAfterSeconds": 0},
            ]
            assert None not in keys
            assert [keys.count(key) for key in dict.fromkeys(keys)] == [3, 1, 1, 3]

    def test_a_subscription_follows_a_list_and_connects_again(self, server: Place, programs: Path) -> None:
        result = run(programs, "live.js", server.base, server.key())

        assert result["lists"] == [["milk", "tea"], ["milk"], ["milk"]]
        assert result["connections"] == 2
        assert "422" in result["errors"][0]

    @needs_chromium
    @pytest.mark.parametrize("leave", ["about:blank", None], ids=["by a link", "by closing the tab"])
    def test_events_are_sent_when_a_page_is_left(self, leave: str | None, programs: Path, browser: Browser) -> None:
        received: list[str] = []

        class Site(Responder):
            def do_GET(self) -> None:
                content = PAGE if self.path == "/" else (programs / self.path[1:]).read_bytes()
                kind = "text/javascript" if self.path.endswith("js") else "text/html"
                self.respond(200, content, {"Content-Type": kind})

            def do_POST(self) -> None:
                events = orjson.loads(self.body())["events"]
                received.extend(event["item_id"] for event in events)
                self.respond(202, orjson.dumps({"accepted": len(events), "freshness_token": "t"}))

        with served_by(Site) as base:
            page = browser.new_context().new_page()  # closing a page of `browser.new_page` cancels its requests
            page.goto(base)
            page.wait_for_function("globalThis.added === 120")
            before = len(received)
            if leave is None:
                page.close()
            else:
                page.goto(leave)

            until(lambda: len(received) >= 120)
            assert before == 0
            assert sorted(received) == sorted(f"i{number}" for number in range(120))
