"""The TypeScript client is up to date, compiles strictly, and works against a live server."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import Settings
from tests import clients
from tests.support import node
from tests.support.server_process import served

HERE = Path(__file__).parent


@pytest.fixture
def server(settings: Settings) -> Iterator[str]:
    with served(settings, settings.project) as base:
        yield base


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the client is installed, with the programs that use it."""
    folder = tmp_path_factory.mktemp("typescript")
    package = folder / "node_modules" / "serendip-client"
    compiler = [*clients.npm_tool("tsc"), "--project"]
    (folder / "node_modules").mkdir()
    for path in (clients.TYPESCRIPT_TOOLS / "node_modules").glob("openapi-*"):
        (folder / "node_modules" / path.name).symlink_to(path)
    package.mkdir()
    for name in ("package.json", "tsconfig.json", "src"):
        (package / name).symlink_to(clients.TYPESCRIPT / name)
    clients.run([*compiler, str(package), "--preserveSymlinks"], folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "calls.ts").write_bytes((HERE / "calls.ts").read_bytes())
    (folder / "readme.ts").write_text(_readme_example())
    (folder / "tsconfig.json").write_text(
        '{"compilerOptions": {"strict": true, "target": "es2022", "module": "nodenext", "types": [],'
        ' "lib": ["es2022", "dom", "dom.iterable"]}, "include": ["*.ts"]}'
    )
    clients.run([*compiler, str(folder)], folder)
    return folder


def _readme_example() -> str:
    (example,) = re.findall(r"```ts\n(.*?)```", (clients.TYPESCRIPT / "README.md").read_text(), re.DOTALL)
    return f"declare const process: {{ env: Record<string, string> }};\n{example}"


class TestTypeScriptClient:
    def test_types_are_those_of_the_document(self, tmp_path: Path) -> None:
        clients.generate_typescript(tmp_path)

        stored = clients.TYPESCRIPT / "src" / clients.SCHEMA
        assert stored.read_text() == (tmp_path / clients.SCHEMA).read_text(), "run `make clients`"

    def test_client_calls_a_server(self, program: Path, server: str, key: str) -> None:
        clients.run([*node.node(), "calls.js", server, key], program)

    def test_example_of_the_readme_runs(self, program: Path, server: str, key: str) -> None:
        output = clients.run([*node.node(), "readme.js"], program, SERENDIP_URL=server, SERENDIP_API_KEY=key)

        assert output.startswith("[")
