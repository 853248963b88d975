"""The console's sources compile strictly, and its lock file names no registry."""

import json
import subprocess

from infra import console


class TestSources:
    def test_they_compile_strictly(self) -> None:
        console.install()
        tsc = [*console.node(), str(console.MODULES / "typescript" / "bin" / "tsc"), "--noEmit"]

        done = subprocess.run(tsc, cwd=console.CONSOLE, capture_output=True, text=True, check=False)

        assert done.stdout == ""
        assert done.returncode == 0, done.stderr

    def test_the_lock_file_names_no_registry_and_hashes_everything(self) -> None:
        packages = json.loads((console.CONSOLE / console.LOCK).read_text())["packages"]

        assert [name for name, package in packages.items() if "resolved" in package] == []
        assert [name for name, package in packages.items() if name and "integrity" not in package] == []
