"""2,000 sockets, each subscribed to its own user, and 200 events a second for a minute."""

import asyncio
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from app.config import Settings
from app.entry.local import dynamodb
from tests.support import socket_crowd
from tests.support.builders import SECRET, a_project, an_event, an_item, wired_on
from tests.support.datasets import ROOT
from tests.support.server_process import Server, running

PROJECT = "sockets"
SOCKETS, PER_SECOND, SECONDS = 2_000, 200, 60
HISTORY = 6


def run() -> None:
    print(f"\nSockets: {SOCKETS:,}, each with its own user, {PER_SECOND} events/s for {SECONDS} s, all on this machine")
    with staged(PROJECT, SOCKETS) as (server, key):
        outcome = asyncio.run(socket_crowd.run(server, key, SOCKETS, PER_SECOND, SECONDS))
    lags = outcome.lags
    print(
        f"  {outcome.events:,} events, {outcome.pushes:,} pushes, users whose last list is outdated: "
        f"{len(outcome.lost)}"
    )
    print(f"  from an event to its push: p50 {statistics.median(lags):.2f} s, p99 {lags[len(lags) * 99 // 100]:.2f} s")
    print(f"  last push {outcome.seconds_behind:.1f} s after the last event")
    print(f"  memory of the server: {outcome.bytes_per_socket / 1_024:.0f} KB a socket")


@contextmanager
def staged(project: str, users: int) -> Iterator[tuple[Server, str]]:
    """A server with its own prepared database; yields the server and a key."""
    emulator = dynamodb.start(ROOT / ".serendip", None)
    try:
        settings = Settings(secret=SECRET, endpoint=emulator.endpoint, project=project)
        key = prepare(settings, users)
        with running(settings, project) as server:
            yield server, key
    finally:
        emulator.stop()


def prepare(settings: Settings, users: int) -> str:
    """Stores a history for each user and trains a model; returns a key."""
    wired = wired_on(settings)
    key = a_project(wired, settings.project)
    services = wired.services
    services.items.put_many(settings.project, [an_item(f"i{number}") for number in range(socket_crowd.ITEMS)])
    random = Random(1)
    for number in range(users):  # even users like even items, odd users odd ones
        liked = random.sample(range(number % 2, socket_crowd.ITEMS, 2), HISTORY)
        events = [an_event(f"u{number}", f"i{item}", minutes=minute) for minute, item in enumerate(liked)]
        services.events.accept(settings.project, events)
    services.train.run(settings.project, services.train.queue(settings.project))
    wired.close()
    return key
