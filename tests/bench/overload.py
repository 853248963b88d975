"""Requests beyond the capacity of a server: what is still answered, how fast, and what health checks see meanwhile."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import httpx2

from app.entry.local import dynamodb
from tests.bench.latency import USERS, environment_of, loaded_shop
from tests.support.cores import a_core_left, keep_to
from tests.support.datasets import ROOT
from tests.support.load import Outcomes, Request, closed_loop, open_loop, percentile

BEFORE = "OVERLOAD_BEFORE"
"""Environment variable: another source tree (`git worktree add`), measured in the same run."""
LIBRARIES = ("httptools", "uvloop")
CONNECTIONS = (4, 16, 64)
TIMES = (1, 3, 10)
SECONDS = 5.0
WARM_UP_SECONDS = 3.0
HEALTH, HEALTH_PER_SECOND = Request("/health/live"), 25

SERVER = """
import os, sys
from app import telemetry
from app.api.application import create_application
from app.config import Settings
from app.entry.launcher import NoLauncher
from app.entry.local.server import listen
from app.entry.oidc_client import fetch
from app.wiring import wire
telemetry.configure()
wired = wire(Settings.from_environment(os.environ), NoLauncher(), fetch)
listen(create_application(wired.services), int(sys.argv[1]))
"""


def run() -> None:
    print(f"\nOverload: recommendations under uvicorn, one process, {SECONDS:.0f} s each, load from another process")
    with a_core_left() as core, loaded_shop() as (settings, key):
        trees = {"now": ROOT} | ({"before": Path(os.environ[BEFORE])} if BEFORE in os.environ else {})
        for name, tree in reversed(trees.items()):
            with served(tree, environment_of(settings)) as (base, pid):
                keep_to(pid, core)
                asyncio.run(_measure(name, base, key))


@contextmanager
def served(tree: Path, variables: dict[str, str], program: str = SERVER, *arguments: str) -> Iterator[tuple[str, int]]:
    """Serves the application of a source tree, without libraries that it does not name; yields address and process.

    The program gets the port and the arguments.
    """
    port, hidden = dynamodb.free_port(), set(LIBRARIES)
    hidden -= {name for name in LIBRARIES if name in (tree / "pyproject.toml").read_text()}
    with TemporaryDirectory() as folder:
        for name in hidden:
            (Path(folder) / f"{name}.py").write_text("raise ImportError")
        server = subprocess.Popen(
            [sys.executable, "-c", program, str(port), *arguments],
            env=variables | {"PYTHONPATH": folder},
            cwd=tree,
            stdout=subprocess.DEVNULL,
        )
        try:
            base = f"http://127.0.0.1:{port}"
            for _ in range(200):
                try:
                    httpx2.get(f"{base}/health/live", timeout=5)
                    break
                except httpx2.TransportError:
                    time.sleep(0.1)
            yield base, server.pid
        finally:
            server.terminate()
            server.wait()


async def _measure(name: str, base: str, key: str) -> None:
    headers = {"X-API-Key": key}
    requests = [
        Request(f"/v1/users/user-{number + 1:03d}/recommendations?limit=10", headers) for number in range(USERS)
    ]
    await closed_loop(base, 4, WARM_UP_SECONDS, requests)
    rates = []
    for connections in CONNECTIONS:
        outcomes = await closed_loop(base, connections, SECONDS, requests)
        rates.append(outcomes.goodput)
        refused = outcomes.count(503)
        print(
            f"  {name}, {connections} connections: {outcomes.goodput:.0f}/s, "
            f"{_milliseconds(outcomes)}, {refused} refused, {outcomes.failed} failed"
        )
    capacity = fmean(rates[1:])
    health = await open_loop(base, HEALTH_PER_SECOND, SECONDS, HEALTH)
    print(f"  {name}, idle: health p99 {percentile(health.accepted, 99) * 1_000:.1f} ms")
    at_capacity = 0.0
    for times in TIMES:
        outcomes, health = await asyncio.gather(
            open_loop(base, capacity * times, SECONDS, requests), open_loop(base, HEALTH_PER_SECOND, SECONDS, HEALTH)
        )
        accepted = outcomes.accepted
        at_capacity = at_capacity or percentile(accepted, 50)
        ratio = percentile(accepted, 99) / at_capacity
        print(
            f"  {name}, {times} x: goodput {outcomes.goodput / capacity:.0%} of capacity, {_milliseconds(outcomes)}, "
            f"p99 {ratio:.1f} x the p50 at capacity, {outcomes.count(503)} refused, {outcomes.failed} failed, "
            f"{outcomes.unsent} unsent, health p99 {percentile(health.accepted, 99) * 1_000:.1f} ms, "
            f"generator late by {outcomes.lag * 1_000:.1f} ms (p99)"
        )
        await asyncio.sleep(1)


def _milliseconds(outcomes: Outcomes) -> str:
    accepted = outcomes.accepted
    return f"p50 / p99 {percentile(accepted, 50) * 1_000:.0f} / {percentile(accepted, 99) * 1_000:.0f} ms"
