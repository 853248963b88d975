"""Generates the parts of the shipped clients that follow from the OpenAPI document: `make clients`."""

import os
import subprocess
from pathlib import Path

from tests.openapi import SNAPSHOT
from tests.support import node
from tests.support.datasets import ROOT

TYPESCRIPT = ROOT / "clients" / "typescript"
TYPESCRIPT_TOOLS = ROOT / ".serendip" / "typescript-client"
SCHEMA = "schema.gen.ts"


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


def generate_typescript(folder: Path) -> None:
    """Writes the types of the document's operations into the folder."""
    options = ["--output", str(folder / SCHEMA), "--default-non-nullable", "false"]
    run([*npm_tool("openapi-typescript"), str(SNAPSHOT), *options], folder)
