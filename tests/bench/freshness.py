"""Seconds from an event until the next read, the push and the trending list reflect it; one probe at a time."""

import statistics
import time

import httpx2
import orjson
from websockets.sync.client import ClientConnection, connect

from tests.bench.sockets import staged
from tests.support.builders import until

PROJECT = "freshness"
PROBES = 40
USERS = 200


def run() -> None:
    print(f"\nFreshness: {PROBES} events in turn, seconds from the response to the event, p50 / largest")
    with staged(PROJECT, USERS) as (server, key):
        headers = {"X-API-Key": key}
        with (
            httpx2.Client(base_url=server.base, headers=headers, timeout=30) as client,
            connect(server.socket, additional_headers=headers) as socket,
        ):
            _print("the next read with its freshness token", [_read(client, n) for n in range(PROBES)])
            _print("a push to a subscribed socket", [_push(client, socket, n) for n in range(PROBES)])
            _print("the trending list", [_trend(client, n) for n in range(PROBES // 4)])


def _print(what: str, seconds: list[float]) -> None:
    print(f"  {what}: {statistics.median(seconds):.3f} / {max(seconds):.3f}")


def _first(client: httpx2.Client, user: str, after: str | None = None) -> str:
    params = {"limit": "1"} | ({"fresh_after": after} if after else {})
    items = client.get(f"/v1/users/{user}/recommendations", params=params).json()["items"]
    return str(items[0]["item_id"])


def _event(client: httpx2.Client, user: str, item: str) -> str:
    answer = client.post("/v1/events", json={"events": [{"user_id": user, "item_id": item, "event_type": "purchase"}]})
    return str(answer.json()["freshness_token"])


def _read(client: httpx2.Client, number: int) -> float:
    """Seconds of the next read, which must no longer start with the purchased item."""
    user = f"u{number}"
    before = _first(client, user)
    token = _event(client, user, before)
    started = time.perf_counter()
    if _first(client, user, token) == before:
        raise AssertionError("the next read did not reflect the event")
    return time.perf_counter() - started


def _push(client: httpx2.Client, socket: ClientConnection, number: int) -> float:
    user = f"u{number + PROBES}"
    socket.send(orjson.dumps({"action": "subscribe", "user_id": user, "limit": 1}).decode())
    before = orjson.loads(socket.recv(10))["items"][0]["item_id"]
    _event(client, user, before)
    started = time.perf_counter()
    pushed = orjson.loads(socket.recv(30))
    seconds = time.perf_counter() - started
    if pushed["user_id"] != user or pushed["items"][0]["item_id"] == before:
        raise AssertionError("something else was pushed")
    socket.send(orjson.dumps({"action": "unsubscribe", "user_id": user}).decode())
    socket.recv(10)
    return seconds


def _trend(client: httpx2.Client, number: int) -> float:
    """Seconds until an unused item trends after one purchase."""
    item = f"new-{number}"
    client.put(f"/v1/items/{item}", json={"title": "New"})
    _event(client, f"u{number + 2 * PROBES}", item)
    started = time.perf_counter()
    until(lambda: item in _trending(client))
    return time.perf_counter() - started


def _trending(client: httpx2.Client) -> list[str]:
    return [item["item_id"] for item in client.get("/v1/lists/trending", params={"limit": "100"}).json()["items"]]
