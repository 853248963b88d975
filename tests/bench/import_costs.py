"""What importing events costs, beside a bare loop of BatchWriteItem over the same rows, in memory and on disk."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import orjson
import psutil
from botocore.session import get_session

from app.config import Settings
from app.entry.local import dynamodb
from app.entry.local.dynamodb import Emulator
from app.storage.events import EventRow
from tests.support import server_process, tables
from tests.support.builders import SECRET, a_project, wired_on
from tests.support.datasets import ROOT

EVENTS, USERS, ITEMS = 100_000, 20_000, 5_000
CATALOG, CATEGORIES = 20_000, 3
REST_EVENTS, REST_BATCH = 20_000, 500
BATCH = 25
HOME = ROOT / ".serendip"
Cost = tuple[float, float]
"""Seconds of CPU and of time."""


def run() -> None:
    print(f"\nImport: {EVENTS:,} events of {USERS:,} users; CPU of all processes, DynamoDB Local included")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, events = folder / "events.jsonl", list(_events())
        file.write_bytes(b"\n".join(map(orjson.dumps, events)))
        with _emulator(None) as emulator:
            settings = _settings(emulator)
            wired = wired_on(settings)
            a_project(wired, settings.project)
            imported = _command(file, folder, emulator)
            rows = [row for row in tables.rows(wired, EventRow) if "item_id" in row]
            wired.close()
        assert len(rows) == EVENTS
        _print("in memory", _bare(rows, None), imported)
        own = folder / "own"
        (own / ".serendip").mkdir(parents=True)
        (own / ".serendip" / "dynamodb-local").symlink_to(dynamodb.install(HOME))
        _print("on disk", _bare(rows, folder / "bare"), _command(file, own, None))
        file.write_bytes(b"\n".join(map(orjson.dumps, _items())))
        cpu, seconds = _command(file, own, None)
        print(
            f"  {CATALOG:,} items with {CATEGORIES} categories each, on disk: {CATALOG / seconds:,.0f} items/s, "
            f"{1_000 * cpu / CATALOG:.2f} CPU ms an item"
        )
        cpu, seconds = _rest(events[:REST_EVENTS], folder / "rest")
        print(
            f"  through REST on disk, {REST_EVENTS:,} events in batches of {REST_BATCH}: "
            f"{REST_EVENTS / seconds:,.0f} events/s, {1_000 * cpu / REST_EVENTS:.2f} CPU ms an event"
        )


def _print(where: str, bare: Cost, imported: Cost) -> None:
    for name, (cpu, seconds) in (("bare loop", bare), ("serendip import", imported)):
        print(f"  {where}, {name}: {EVENTS / seconds:,.0f} events/s, {1_000 * cpu / EVENTS:.2f} CPU ms an event")
    print(
        f"  {where}: {imported[0] / bare[0]:.2f} x the CPU and {imported[1] / bare[1]:.2f} x the time of the bare loop"
    )


def _events() -> Iterator[dict[str, str]]:
    random, start = Random(0), datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(EVENTS):
        yield {
            "user_id": f"user-{random.randrange(USERS):05d}",
            "item_id": f"sku-{random.randrange(ITEMS):04d}",
            "event_type": random.choice(("view", "view", "purchase")),
            "timestamp": (start + timedelta(seconds=random.randrange(5_000_000))).isoformat(),
        }


def _items() -> Iterator[dict[str, Any]]:
    random = Random(0)
    for number in range(CATALOG):
        categories = random.sample(range(20), CATEGORIES)
        yield {
            "item_id": f"sku-{number:05d}",
            "title": f"Item {number}",
            "categories": [f"c{category}" for category in categories],
            "price": round(random.uniform(1, 99), 2),
        }


@contextmanager
def _emulator(folder: Path | None) -> Iterator[Emulator]:
    emulator = dynamodb.start(HOME, folder)
    try:
        yield emulator
    finally:
        emulator.stop()


def _settings(emulator: Emulator) -> Settings:
    return Settings(secret=SECRET, endpoint=emulator.endpoint, read_timeout_seconds=20)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _cost(emulator: Emulator, work: Callable[[], object]) -> Cost:
    """The cost of some work in this process and of what the emulator does for it."""
    jvm, this = psutil.Process(emulator.pid), psutil.Process()
    cpu, started = _cpu(jvm) + _cpu(this), time.monotonic()
    work()
    return _cpu(jvm) + _cpu(this) - cpu, time.monotonic() - started


def _bare(rows: Sequence[dict[str, Any]], folder: Path | None) -> Cost:
    """Writes rows into a table with no index and no stream."""
    with _emulator(folder) as emulator:
        client = get_session().create_client(
            "dynamodb",
            "us-east-1",
            endpoint_url=emulator.endpoint,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - DynamoDB Local accepts any
        )
        client.create_table(
            TableName="bare",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("owner", "moment")],
            KeySchema=[
                {"AttributeName": "owner", "KeyType": "HASH"},
                {"AttributeName": "moment", "KeyType": "RANGE"},
            ],
        )

        def write() -> None:
            for start in range(0, len(rows), BATCH):
                puts = [{"PutRequest": {"Item": row}} for row in rows[start : start + BATCH]]
                assert not client.batch_write_item(RequestItems={"bare": puts})["UnprocessedItems"]

        return _cost(emulator, write)


def _command(file: Path, folder: Path, emulator: Emulator | None) -> Cost:
    """`serendip import`, with the starts of all processes; without an emulator it starts its own on disk."""
    values = {name: value for name, value in os.environ.items() if not name.startswith("SERENDIP_")}
    values |= {"PYTHONPATH": str(ROOT)}
    if emulator:
        values |= {"SERENDIP_ENDPOINT": emulator.endpoint, "SERENDIP_SECRET": SECRET.get_secret_value()}
    jvm = psutil.Process(emulator.pid) if emulator else None
    cpu, started = _children() + (_cpu(jvm) if jvm else 0.0), time.monotonic()
    command = [sys.executable, "-m", "app.entry.cli.main", "import", str(file)]
    subprocess.run(command, env=values, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return _children() + (_cpu(jvm) if jvm else 0.0) - cpu, time.monotonic() - started


def _children() -> float:
    """CPU seconds of all child processes that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _rest(events: Sequence[dict[str, str]], folder: Path) -> Cost:
    """Sends batches to a server that also applies the stream, as `make run` does, one after the other."""
    with _emulator(folder) as emulator:
        settings = _settings(emulator)
        wired = wired_on(settings)
        key = a_project(wired, settings.project)
        wired.close()
        with (
            server_process.running(settings, settings.project, output=os.devnull) as server,
            httpx2.Client(base_url=server.base, headers={"X-API-Key": key}, timeout=60) as client,
        ):

            def send() -> None:
                for start in range(0, len(events), REST_BATCH):
                    body = {"events": events[start : start + REST_BATCH]}
                    assert client.post("/v1/events", json=body).status_code == 202

            process = psutil.Process(server.process.pid)
            before = _cpu(process)
            cpu, seconds = _cost(emulator, send)
            return cpu + _cpu(process) - before, seconds
