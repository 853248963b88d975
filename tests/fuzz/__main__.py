"""Runs Schemathesis against its own server; the argument is the number of examples per operation."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from app.config import Settings
from app.domain.access import ADMINISTRATION, Scope
from app.entry.local import dynamodb
from tests.support.builders import SECRET, a_key, a_project, an_item, two_tastes, wired_on
from tests.support.datasets import ROOT
from tests.support.server_process import served

PROJECT = "fuzz"
CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 600
"""Per operation and phase; together more than 50,000 cases."""


@contextmanager
def running() -> Iterator[tuple[str, dict[str, str]]]:
    """A server with some data; yields its address, and the project and the keys of the run as environment variables."""
    emulator, files = dynamodb.start(ROOT / ".serendip", None), tempfile.TemporaryDirectory()
    try:
        settings = Settings(
            secret=SECRET, endpoint=emulator.endpoint, project=PROJECT, files=files.name, read_timeout_seconds=10
        )
        wired = wired_on(settings)
        variables = {"SERENDIP_FUZZ_PROJECT": PROJECT, "SERENDIP_FUZZ_KEY": a_project(wired, PROJECT)}
        variables["SERENDIP_FUZZ_ADMINISTRATOR_KEY"] = a_key(wired, ADMINISTRATION, Scope.ADMIN)
        services = wired.services
        services.items.put_many(PROJECT, [an_item(f"i{n}") for n in range(12)])
        services.events.accept(PROJECT, two_tastes())
        services.train.run(PROJECT, services.train.queue(PROJECT))
        with served(settings, PROJECT) as base:
            yield base, variables
        wired.close()
    finally:
        emulator.stop()
        files.cleanup()


def fuzz(examples: int, *arguments: str) -> tuple[int, int, str]:
    """Exit status, number of cases and output of a run."""
    with running() as (base, variables), tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            "--config-file",
            str(CONFIG),
            "run",
            f"{base}/openapi.json",
            "--phases=examples,coverage,fuzzing,stateful",
            f"--max-examples={examples}",
            "--warnings=off",
            f"--report-json-path={report}",
            *arguments,
        ]
        values = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, env=values, cwd=folder, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        cases = orjson.loads(report.read_bytes())["test_cases"]["generated"] if report.exists() else 0
        return done.returncode, cases, done.stdout.decode()


if __name__ == "__main__":
    status, cases, output = fuzz(int(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES)
    print(output[-15_000:])  # noqa: T201 - the report is the result
    print(f"{cases:,} cases")  # noqa: T201
    sys.exit(status)
