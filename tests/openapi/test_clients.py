"""Client generators accept the whole document, and their clients work against a live server."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from app.config import Settings
from app.entry.cli.operations import gateway_document
from tests.support import node
from tests.support.datasets import ROOT
from tests.support.server_process import served

CLIENTS = Path(__file__).parent / "clients"
PYTHON = ROOT / ".venv" / "openapi-client" / "bin"
NODE_TOOLS = ROOT / ".serendip" / "openapi-clients"
TSC = (
    "--strict --skipLibCheck --target es2022 --module commonjs --moduleResolution node10 --lib es2022,dom,dom.iterable"
)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(orjson.dumps(gateway_document.plain()))
    return path


@pytest.fixture
def server(settings: Settings) -> Iterator[str]:
    with served(settings, settings.project) as base:
        yield base


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Run the command in the folder; returns everything that it printed."""
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


def operation_ids(document: Path) -> list[str]:
    paths = orjson.loads(document.read_bytes())["paths"]
    return [operation["operationId"] for path in paths.values() for operation in path.values()]


@pytest.fixture(scope="module")
def python_client(document: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not PYTHON.exists():
        pytest.skip("no generator: run `make .venv/openapi-client`")
    folder = tmp_path_factory.mktemp("python")
    config = folder / "config.yaml"
    config.write_text("post_hooks: []\n")
    command = f"generate --path {document} --output-path serendip_client --meta none --config {config}"
    output = run([str(PYTHON / "openapi-python-client"), *command.split(), "--fail-on-warning"], folder)
    assert "warning" not in output.lower()
    return folder


class TestPythonClient:
    def test_client_has_every_operation(self, python_client: Path, document: Path) -> None:
        modules = [path for path in python_client.glob("serendip_client/api/*/*.py") if path.stem != "__init__"]

        assert len(modules) == len(operation_ids(document))

    def test_client_calls_ten_operations(self, python_client: Path, server: str, key: str) -> None:
        run(
            [str(PYTHON / "python"), str(CLIENTS / "calls.py"), server, key],
            python_client,
            PYTHONPATH=str(python_client),
        )


@pytest.fixture(scope="module")
def typescript_client(document: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typescript")
    modules = node.installed(CLIENTS, NODE_TOOLS) / "node_modules"
    generator = str(modules / "@hey-api" / "openapi-ts" / "bin" / "run.js")
    output = run([*node.node(), generator, "-i", str(document), "-o", str(folder)], NODE_TOOLS)
    assert "warn" not in output.lower()
    (folder / "calls.ts").write_bytes((CLIENTS / "calls.ts").read_bytes())
    run([*node.node(), str(modules / "typescript" / "bin" / "tsc"), *TSC.split(), "calls.ts"], folder)
    return folder


class TestTypeScriptClient:
    def test_client_has_every_operation(self, typescript_client: Path, document: Path) -> None:
        functions = (typescript_client / "sdk.gen.ts").read_text()

        assert [name for name in operation_ids(document) if f"export const {name} = " not in functions] == []

    def test_client_calls_ten_operations(self, typescript_client: Path, server: str, key: str) -> None:
        run([*node.node(), "calls.js", server, key], typescript_client)
