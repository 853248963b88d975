"""Generates the parts of the shipped clients that follow from the OpenAPI document: `make clients`."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.clients import python_source
from tests.openapi import SNAPSHOT, published
from tests.support import node
from tests.support.datasets import ROOT

PYTHON = ROOT / "clients" / "python"
PYTHON_PACKAGE = PYTHON / "serendip_client"
PYTHON_TOOLS = ROOT / ".venv" / "clients" / "bin"
TYPESCRIPT = ROOT / "clients" / "typescript"
TYPESCRIPT_TOOLS = ROOT / ".serendip" / "typescript-client"
SCHEMA = "schema.gen.ts"
COLLECTION = "serendip.postman_collection.json"
COLLECTION_TOOLS = ROOT / ".serendip" / "collection"
HERE = Path(__file__).parent


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Runs the command in the folder; returns everything that it printed."""
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


def npm_tool(name: str) -> list[str]:
    """Returns the command of a tool that the TypeScript client depends on."""
    modules = node.installed(TYPESCRIPT, TYPESCRIPT_TOOLS) / "node_modules"
    scripts = {"openapi-typescript": "openapi-typescript/bin/cli.js", "tsc": "typescript/bin/tsc"}
    return [*node.node(), str(modules / scripts[name])]


def generate() -> None:
    """Updates both clients and the collection."""
    generate_typescript(TYPESCRIPT / "src")
    generate_python(PYTHON_PACKAGE)
    generate_collection(ROOT / "clients")


def generate_typescript(folder: Path) -> None:
    """Writes the types of the document's operations into the folder."""
    options = ["--output", str(folder / SCHEMA), "--default-non-nullable", "false"]
    run([*npm_tool("openapi-typescript"), str(SNAPSHOT), *options], folder)


def generate_python(folder: Path) -> None:
    """Writes the models and a method for each of the document's operations into the folder."""
    document = published()
    models, operations = folder / python_source.MODELS, folder / python_source.OPERATIONS
    with TemporaryDirectory() as name:
        simple = Path(name) / "openapi.json"
        simple.write_bytes(python_source.document_of_models(document))
        run(python_source.models_command(PYTHON_TOOLS / "datamodel-codegen", simple, models), folder)
    operations.write_text(python_source.operations_module(document))
    formatting = ["format", "--quiet", "--config", str(ROOT / "pyproject.toml"), str(models), str(operations)]
    run([sys.executable, "-m", "ruff", *formatting], folder)


def generate_collection(folder: Path) -> None:
    """Writes the collection of requests for Postman, Bruno and others into the folder."""
    tools = node.installed(HERE, COLLECTION_TOOLS)
    (folder / COLLECTION).write_text(run([*node.node(), "collection.cjs", str(tools), str(SNAPSHOT)], HERE))
