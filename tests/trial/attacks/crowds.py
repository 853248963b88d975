"""More requests or connections than a server can take, and one credential that takes all it can get."""

import asyncio
import os
import socket
import time
from collections.abc import Sequence
from itertools import count

from tests.support.cores import a_core_left, keep_to, kept_to
from tests.support.load import Outcomes, Request, closed_loop, open_loop, percentile
from tests.trial.record import DEADLINE_SECONDS, GRACE_SECONDS, Record
from tests.trial.stage import Stage

SECONDS, CAPACITY_SECONDS, WARM_UP_SECONDS = 8.0, 6.0, 2.0
TIMES = 10
LEAST_GOODPUT = 0.5
"""Of the capacity, at ten times as many requests; both vary by a fifth. `make bench ONLY=overload` measures it."""
GREEDY, MODEST = 120, 2
LEAST_SHARE, LEAST_SERVED = 0.1, 0.9
"""Of the other key's rate, which the generator with 120 connections lowers too on the same machine; of its requests."""
CONNECTIONS = 1_500
IDLE_SECONDS = 12.0
"""For how long they are open; opening them takes tenths of a second."""


def overload(stage: Stage, record: Record) -> None:
    """Ten times as many requests as the server's capacity. The server has a core that the generator cannot take."""
    stage.serve()
    base, requests = f"http://127.0.0.1:{stage.port}", _lists(stage.keys["admin"])

    async def run() -> tuple[Outcomes, Outcomes]:
        await closed_loop(base, 8, WARM_UP_SECONDS, requests)
        at_capacity = await closed_loop(base, 32, CAPACITY_SECONDS, requests)
        with stage.watched(record):
            return at_capacity, await open_loop(base, TIMES * at_capacity.goodput, SECONDS, requests)

    assert stage.process is not None
    with a_core_left() as core, kept_to(stage.emulator.pid, os.sched_getaffinity(0)):
        keep_to(stage.process.pid, core)
        at_capacity, beyond = asyncio.run(run())
    _add(record, at_capacity, beyond)
    share = beyond.goodput / at_capacity.goodput
    record.expect(share >= LEAST_GOODPUT, f"goodput is {share:.0%} of the capacity")
    p50, p99 = (percentile(beyond.accepted, percent) * 1_000 for percent in (50, 99))
    record.note(f"goodput {share:.0%} of {at_capacity.goodput:.0f}/s, accepted p50 / p99 {p50:.0f} / {p99:.0f} ms")


def one_credential(stage: Stage, record: Record) -> None:
    """One key with 120 requests at a time beside another with 2."""
    stage.serve()
    base, greedy, modest = f"http://127.0.0.1:{stage.port}", _lists(stage.keys["other"]), _lists(stage.keys["admin"])

    async def run() -> tuple[Outcomes, Outcomes, Outcomes]:
        await closed_loop(base, 8, WARM_UP_SECONDS, [*greedy, *modest])
        alone = await closed_loop(base, MODEST, CAPACITY_SECONDS, modest)
        with stage.watched(record):
            taken = await asyncio.gather(
                closed_loop(base, GREEDY, CAPACITY_SECONDS, greedy),
                closed_loop(base, MODEST, CAPACITY_SECONDS, modest),
            )
        return alone, *taken

    alone, greedily, modestly = asyncio.run(run())
    _add(record, alone, greedily, modestly)
    kept = modestly.goodput / alone.goodput
    served = len(modestly.accepted) / max(1, sum(map(len, modestly.latencies.values())))
    record.expect(kept >= LEAST_SHARE, f"the other key's rate fell to {kept:.0%}")
    record.expect(served >= LEAST_SERVED, f"only {served:.0%} of the other key's requests were served")
    record.note(f"the other key keeps {kept:.0%} of its rate, {served:.0%} of its requests are served")


def idle_connections(stage: Stage, record: Record) -> None:
    """1,500 connections without requests, while others work."""
    stage.serve()
    with stage.client("other") as client, stage.watched(record):
        connections = [socket.create_connection(("127.0.0.1", stage.port), 5) for _ in range(CONNECTIONS)]
        ends_at, numbers = time.monotonic() + IDLE_SECONDS, count()
        while time.monotonic() < ends_at:
            record.send(client, "GET", f"/v1/users/u{next(numbers) % 40}/recommendations", 200)
        for connection in connections:
            connection.close()


def _lists(key: str) -> Sequence[Request]:
    return [Request(f"/v1/users/u{number}/recommendations?limit=10", {"X-API-Key": key}) for number in range(40)]


def _add(record: Record, *outcomes: Outcomes) -> None:
    for each in outcomes:
        for status, latencies in each.latencies.items():
            record.tried += len(latencies)
            record.statuses[status] += len(latencies)
            record.late += sum(seconds > DEADLINE_SECONDS + GRACE_SECONDS for seconds in latencies)
            record.slowest = max(record.slowest, *latencies)
        record.late += each.failed
        record.expect(set(each.latencies) <= {200, 503}, f"statuses {sorted(each.latencies)}")
