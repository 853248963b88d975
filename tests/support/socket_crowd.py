"""Many sockets, each subscribed to its own user, under a stream of events: which frames arrive, and how late."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2
import orjson
from websockets.asyncio.client import ClientConnection, connect

from tests.support.server_process import Server

ITEMS = 60
LIMIT = 5
OPENING = 50
"""Sockets opened at the same time."""
POSTS = 10
"""Requests with events per second."""
SETTLED_SECONDS = 2.0
PATIENCE_SECONDS = 240.0


@dataclass
class Watcher:
    """One socket."""

    user_id: str
    socket: ClientConnection
    lists: list[list[str]] = field(default_factory=list)
    received_at: float = 0.0
    sent_at: float | None = None
    """Time of the last event that no frame has followed yet."""
    lags: list[float] = field(default_factory=list)

    async def listen(self) -> None:
        async for message in self.socket:
            self.note(orjson.loads(message))

    def note(self, frame: dict[str, Any]) -> None:
        assert frame["action"] == "recommendations", frame
        self.received_at = time.monotonic()
        self.lists.append([item["item_id"] for item in frame["items"]])
        if self.sent_at is not None:
            self.lags.append(self.received_at - self.sent_at)
            self.sent_at = None


@dataclass(frozen=True)
class Outcome:
    sockets: int
    events: int
    pushes: int
    lost: Sequence[str]
    """Users whose last pushed list differs from the current one, if they were compared."""
    unanswered: Sequence[str]
    """Users whose last event no frame followed, though it changed their list."""
    lags: Sequence[float]
    bytes_per_socket: float
    seconds_behind: float
    """Seconds from the last event to the last push."""


async def run(
    server: Server, key: str, sockets: int, per_second: int, seconds: int, *, compares: bool = True
) -> Outcome:
    """Opens sockets and sends events.

    Args:
        server: the server.
        key: an admin key.
        sockets: how many to open.
        per_second: events a second.
        seconds: for how long events are sent.
        compares: whether to compare the last lists with the current ones. Those of another process can differ, because
            each keeps recent popularity for a minute.
    """
    headers, random = {"X-API-Key": key}, Random(1)
    before = server.process.memory_info().rss
    watchers: list[Watcher] = []
    async with httpx2.AsyncClient(base_url=server.base, headers=headers, timeout=60) as client:
        for start in range(0, sockets, OPENING):
            names = [f"u{number}" for number in range(start, min(sockets, start + OPENING))]
            watchers += await asyncio.gather(*(_watch(server, headers, name) for name in names))
        per_socket = (server.process.memory_info().rss - before) / sockets
        listening = [asyncio.create_task(watcher.listen()) for watcher in watchers]
        begins = time.monotonic()
        events = 0
        for turn in range(seconds * POSTS):
            await asyncio.sleep(max(0.0, begins + turn / POSTS - time.monotonic()))
            chosen = random.sample(watchers, per_second // POSTS)
            events += await _post(client, chosen)
        ended = time.monotonic()
        if not compares:
            await _quiet(watchers)
        gives_up_at, lost = ended + PATIENCE_SECONDS, watchers if compares else []
        while lost and time.monotonic() < gives_up_at:
            await _quiet(watchers)
            lost = [watcher for watcher in lost if not await _is_current(client, watcher)]
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await asyncio.gather(*(watcher.socket.close() for watcher in watchers))
    lags = sorted(lag for watcher in watchers for lag in watcher.lags)
    pushes = sum(len(watcher.lists) - 1 for watcher in watchers)
    seconds_behind = max(watcher.received_at for watcher in watchers) - ended
    lost_users = [watcher.user_id for watcher in lost]
    unanswered = [watcher.user_id for watcher in watchers if watcher.sent_at is not None]
    return Outcome(sockets, events, pushes, lost_users, unanswered, lags, per_socket, seconds_behind)


async def _watch(server: Server, headers: dict[str, str], user_id: str) -> Watcher:
    socket = await connect(server.socket, additional_headers=headers, ping_interval=None, open_timeout=60)
    await socket.send(orjson.dumps({"action": "subscribe", "user_id": user_id, "limit": LIMIT}).decode())
    watcher = Watcher(user_id, socket)
    watcher.note(orjson.loads(await socket.recv()))
    return watcher


async def _post(client: httpx2.AsyncClient, chosen: Sequence[Watcher]) -> int:
    """Sends one event per user for the first item of their list, so that the list changes."""
    events = [{"user_id": watcher.user_id, "item_id": watcher.lists[-1][0]} for watcher in chosen]
    now = time.monotonic()
    for watcher in chosen:
        watcher.sent_at = watcher.sent_at or now
    answer = await client.post("/v1/events", json={"events": events})
    assert answer.status_code == 202, answer.text
    return len(events)


async def _quiet(watchers: Sequence[Watcher]) -> None:
    """Waits until no frame arrives for a while."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    await asyncio.sleep(SETTLED_SECONDS)
    while time.monotonic() - max(watcher.received_at for watcher in watchers) < SETTLED_SECONDS:
        assert time.monotonic() < ends_at, "pushes do not stop"
        await asyncio.sleep(0.1)


async def _is_current(client: httpx2.AsyncClient, watcher: Watcher) -> bool:
    answer = await client.get(f"/v1/users/{watcher.user_id}/recommendations", params={"limit": LIMIT})
    return [item["item_id"] for item in answer.json()["items"]] == watcher.lists[-1]
