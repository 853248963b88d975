"""Warm recommendations through a server: requests per second, latencies, and the server's CPU for each answer.

The same client drives Gorse if GORSE_URL is the address of one that has learned from users of the same names.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx2
import psutil

from tests.bench.latency import USERS, environment_of, loaded_shop
from tests.bench.overload import served
from tests.support.datasets import ROOT
from tests.support.load import Request, closed_loop, percentile

BEFORE, GORSE, WORKERS = "GORSE_BEFORE", "GORSE_URL", "GORSE_WORKERS"
"""Environment variables: what else is measured in turn.

Another source tree (`git worktree add`), the address of Gorse, and the number of workers of another server of ours.
"""
CONNECTIONS = (1, 4, 16, 64)
ROUNDS, SECONDS, WARM_UP_SECONDS = 5, 2.0, 3.0
SERVER = """
import os, sys
from app import telemetry
from app.config import Settings
from app.entry.launcher import NoLauncher
from app.entry.local.processes import serving
from app.entry.local.processes.process import Assignment
from app.entry.oidc_client import fetch
from app.wiring import wire
telemetry.configure()
wired = wire(Settings.from_environment(os.environ), NoLauncher(), fetch)
port, workers = map(int, sys.argv[1:])
plan = serving.Plan(workers=workers, port=port, environment=os.environ, assignment=Assignment())
serving.serve(wired, plan, NoLauncher(), lambda: None)
"""
USER_NAMES = [f"user-{number + 1:03d}" for number in range(USERS)]


@dataclass
class Target:
    """A server and what was measured, by the number of connections."""

    base: str
    requests: list[Request]
    process: psutil.Process | None = None
    """None if it is not ours, so its CPU is not measured. That of its workers is."""
    rates: dict[int, list[float]] = field(default_factory=dict)
    latencies: dict[int, list[float]] = field(default_factory=dict)
    cpu_ms: dict[int, list[float]] = field(default_factory=dict)

    async def measure(self, connections: int) -> None:
        before = self._cpu_seconds()
        outcomes = await closed_loop(self.base, connections, SECONDS, self.requests)
        answers = len(outcomes.accepted)
        assert answers, f"{self.base} answered nothing"
        self.rates.setdefault(connections, []).append(outcomes.goodput)
        self.latencies.setdefault(connections, []).extend(outcomes.accepted)
        self.cpu_ms.setdefault(connections, []).append((self._cpu_seconds() - before) / answers * 1_000)

    def _cpu_seconds(self) -> float:
        processes = [self.process, *self.process.children()] if self.process else []
        return sum(float(times.user + times.system) for times in (process.cpu_times() for process in processes))

    def report(self, name: str) -> None:
        size = len(httpx2.get(self.base + self.requests[0].target, headers=dict(self.requests[0].headers)).content)
        print(f"  {name}: {size:,} bytes an answer")
        for connections in CONNECTIONS:
            ascending = sorted(self.latencies[connections])
            p50, p99 = (percentile(ascending, percent) * 1_000 for percent in (50, 99))
            cpu = f", CPU {median(self.cpu_ms[connections]):.2f} ms an answer" if self.process else ""
            print(
                f"    {connections} connections: {median(self.rates[connections]):.0f}/s, "
                f"p50 / p99 {p50:.1f} / {p99:.1f} ms ({p99 / p50:.1f} x){cpu}"
            )


def run() -> None:
    print(f"\nWarm lists of 10 items, {USERS} users, sample shop; median of {ROUNDS} rounds of {SECONDS:.0f} s in turn")
    with loaded_shop() as (settings, key), ExitStack() as stack:
        trees = {"now": ROOT} | ({"before": Path(os.environ[BEFORE])} if BEFORE in os.environ else {})
        targets = {}
        for name, tree in trees.items():
            base, pid = stack.enter_context(served(tree, environment_of(settings)))
            targets[name] = Target(base, _ours(key), psutil.Process(pid))
        if WORKERS in os.environ:
            crew = served(ROOT, environment_of(settings), SERVER, os.environ[WORKERS])
            base, pid = stack.enter_context(crew)
            targets[f"{os.environ[WORKERS]} workers"] = Target(base, _ours(key), psutil.Process(pid))
        if GORSE in os.environ:
            path = "/api/recommend/{}?n=10"
            targets["Gorse"] = Target(os.environ[GORSE], [Request(path.format(name)) for name in USER_NAMES])
        asyncio.run(_measure(targets))
        for name, target in targets.items():
            target.report(name)
        for name in targets.keys() - {"now", "Gorse"}:
            _compare(name, targets)


def _ours(key: str) -> list[Request]:
    headers = {"X-API-Key": key}
    return [Request(f"/v1/users/{name}/recommendations?limit=10", headers) for name in USER_NAMES]


async def _measure(targets: Mapping[str, Target]) -> None:
    for target in targets.values():
        await closed_loop(target.base, 4, WARM_UP_SECONDS, target.requests)
    for connections in CONNECTIONS:
        for _ in range(ROUNDS):
            for target in targets.values():
                await target.measure(connections)


def _compare(name: str, targets: Mapping[str, Target]) -> None:
    """Prints ratios of neighboring rounds, which other work on the machine disturbs alike."""
    now, other = targets["now"], targets[name]
    for connections in CONNECTIONS:
        rate = median(a / b for a, b in zip(now.rates[connections], other.rates[connections], strict=True))
        cpu = median(a / b for a, b in zip(now.cpu_ms[connections], other.cpu_ms[connections], strict=True))
        print(f"  now / {name}, {connections} connections: {rate:.2f} x the requests per second, {cpu:.2f} x the CPU")
