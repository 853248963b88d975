"""The published OpenAPI document and a check for breaking changes; `python -m tests.openapi` updates it."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from app.entry.cli.operations import gateway_document
from tests.support import node
from tests.support.datasets import ROOT

HERE = Path(__file__).parent
SNAPSHOT = HERE / "openapi.json"
TOOLS = ROOT / ".serendip" / "openapi-diff"


def published() -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(SNAPSHOT.read_bytes())
    return document


def breaking(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Changes that could break a client, each with its action and location."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("before.json", "after.json")]
        for path, document in zip(paths, (before, after), strict=True):
            path.write_bytes(orjson.dumps(document))
        command = [*node.node(), str(HERE / "diff.cjs"), str(node.installed(HERE, TOOLS)), *map(str, paths)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def main() -> int:
    changes = breaking(published(), gateway_document.plain()) if SNAPSHOT.exists() else []
    if changes:
        print("These changes would break clients:", *changes, sep="\n  ", file=sys.stderr)
        return 1
    SNAPSHOT.write_bytes(
        orjson.dumps(gateway_document.plain(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    )
    return 0
