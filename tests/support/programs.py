"""Run Python code in a process of its own."""

import io
import os
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from traceback import format_exc
from typing import Any

from tests.support.datasets import ROOT
from tests.support.processes import PROCESSES

TIMEOUT_SECONDS = 120


def python(code: str, values: dict[str, str], stdin: str = "") -> str:
    """Runs a program in a new interpreter, for tests of what is imported and when; returns its output."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=values,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def forked(code: str, values: dict[str, str], stdin: str = "") -> str:
    """Runs a program where the application's modules, but not the Lambda handler, are loaded; returns its output."""
    results = PROCESSES.Queue()
    process = PROCESSES.Process(target=_run, args=(code, values, stdin, results))
    process.start()
    output, failure = results.get(timeout=TIMEOUT_SECONDS)
    process.join(TIMEOUT_SECONDS)
    assert failure is None, failure
    assert process.exitcode == 0
    return str(output)


def _run(code: str, values: dict[str, str], stdin: str, results: Any) -> None:
    os.environ.clear()
    os.environ.update(values)
    sys.stdin = io.StringIO(stdin)
    warnings.simplefilter("error")
    failure = None
    with redirect_stdout(io.StringIO()) as output:
        try:
            exec(code, {"__name__": "__main__"})  # noqa: S102 - the test's own program
        except BaseException:  # noqa: BLE001 - reported by the test
            failure = format_exc()
    results.put((output.getvalue(), failure))


def last_line(printed: str) -> str:
    """Returns the last line of a program's output, after its log."""
    return printed.strip().splitlines()[-1]
