"""npm tools, installed from the lock file of the tests that use them."""

import shutil
from pathlib import Path

from app.entry.local import dynamodb
from infra.console import node

__all__ = ["installed", "node"]

LOCK = "package-lock.json"


def installed(here: Path, tools: Path) -> Path:
    """Installs a folder's locked packages unless they are up to date; returns their directory."""
    is_complete = (tools / "node_modules" / ".package-lock.json").exists()  # npm writes it last
    if not is_complete or (tools / LOCK).read_bytes() != (here / LOCK).read_bytes():
        tools.mkdir(parents=True, exist_ok=True)
        shutil.copy(here / "package.json", tools)
        shutil.copy(here / LOCK, tools / "lock")
        (tools / "lock").replace(tools / LOCK)
        dynamodb.npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], tools)
    return tools
