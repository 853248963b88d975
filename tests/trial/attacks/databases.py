"""A database that hangs, is slow, is dead, ends or has no room left."""

import time
from concurrent.futures import ThreadPoolExecutor
from resource import RLIM_INFINITY, RLIMIT_FSIZE

from app.entry.local.dynamodb import FILE
from tests.support.slow_proxy import Fault
from tests.trial.ledger import Ledger
from tests.trial.record import Record
from tests.trial.stage import Stage

READERS = 8
PATHS = (
    "/v1/users/u{}/recommendations",
    "/v1/lists/popular",
    "/v1/items/i{}",
    "/v1/items/i{}/similar",
    "/v1/users/u{}/events",
)
LARGE_ITEMS, LARGE_CHARACTERS = 40, 300_000


def hung(stage: Stage, record: Record) -> None:
    """A database that stops answering, and carries out later what it received."""
    _tried(stage, record, Fault.HANGS)


def slow(stage: Stage, record: Record) -> None:
    """A database whose answers come 0.4 s late."""
    _tried(stage, record, Fault.SLOW)


def dripping(stage: Stage, record: Record) -> None:
    """A database whose answers arrive byte by byte."""
    _tried(stage, record, Fault.DRIPS)


def dead(stage: Stage, record: Record) -> None:
    """A database that closes each connection at once."""
    _tried(stage, record, Fault.DEAD)


def cut(stage: Stage, record: Record) -> None:
    """A database whose connections end within an answer."""
    _tried(stage, record, Fault.CUTS)


def _tried(stage: Stage, record: Record, fault: Fault) -> None:
    stage.serve(endpoint=stage.proxy.endpoint)
    ledger = Ledger(stage, record, f"database-{fault.name.lower()}")
    ledger.prepare()
    with stage.watched(record), ledger.writing(3):
        _read(stage, record, 0.5)
        with stage.proxy.failing(fault):
            _read(stage, record, 2.0 if stage.is_short else 8.0)
        _read(stage, record, 0.5)
    ledger.recount()


def _read(stage: Stage, record: Record, seconds: float) -> None:
    """Reads from several threads; what cannot be read gets 503, or degrades."""
    ends_at = time.monotonic() + seconds

    def read(reader: int) -> None:
        with stage.client("other") as client:
            number = reader
            while time.monotonic() < ends_at:
                record.send(client, "GET", PATHS[number % len(PATHS)].format(number % 40), 200, 503)
                number += READERS

    with ThreadPoolExecutor(READERS) as readers:
        list(readers.map(read, range(READERS)))


def full_disk(stage: Stage, record: Record) -> None:
    """A database whose file may not grow (RLIMIT_FSIZE of its process), and may again after a while."""
    stage.serve()
    ledger = Ledger(stage, record, "disk")
    ledger.prepare()
    database = stage.emulator.process
    files = [stage.data / FILE, stage.data / f"{FILE}-journal"]
    with stage.watched(record), ledger.writing(3):
        _read(stage, record, 0.5)
        most = max(file.stat().st_size for file in files if file.exists())
        database.rlimit(RLIMIT_FSIZE, (most, RLIM_INFINITY))
        with stage.client() as client:
            for number in range(LARGE_ITEMS):
                body = {"title": "Large", "properties": {"text": "x" * LARGE_CHARACTERS}}
                record.send(client, "PUT", f"/v1/items/disk-large-{number}", 200, 503, json=body)
        _read(stage, record, 3.0)
        database.rlimit(RLIMIT_FSIZE, (RLIM_INFINITY, RLIM_INFINITY))
        _read(stage, record, 1.0)
    refused = record.statuses[503]
    record.expect(refused, "no write was refused: the disk was not full")
    ledger.recount()
    with stage.client() as client:
        for number in range(LARGE_ITEMS):
            record.send(client, "DELETE", f"/v1/items/disk-large-{number}", 204, 404)
