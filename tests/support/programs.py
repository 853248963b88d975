"""Run Python code in a process of its own."""

import subprocess
import sys

from tests.support.datasets import ROOT


def python(code: str, values: dict[str, str], stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=values,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def last_line(printed: str) -> str:
    """Returns the last line of a program's output, after its log."""
    return printed.strip().splitlines()[-1]
