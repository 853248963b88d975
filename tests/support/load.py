"""Open-loop load: requests are sent when they are due, whether or not earlier ones have been answered.

The generator runs in a process of its own, so that it can keep up, and speaks HTTP/1.1 over sockets that it keeps open.
Responses need a Content-Length.
"""

import asyncio
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from random import Random
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import uvloop

SEED = 1
MOST_CONNECTIONS = 900
TIMEOUT_SECONDS = 30.0
TURN_SECONDS = 0.002
"""Requests that are due within this time are sent together: waking up for each costs as much as sending it."""
HEAD_ENDS = b"\r\n\r\n"
LENGTH = re.compile(rb"\ncontent-length: *(\d+)", re.IGNORECASE)
RETRY_AFTER = re.compile(rb"\nretry-after: *([^\r]+)", re.IGNORECASE)
CLOSES = re.compile(rb"\nconnection: *close", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the load."""

    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: str = ""


@dataclass
class Outcomes:
    """What happened to the requests of a load."""

    seconds: float
    """For how long requests were sent."""
    accepted_in_time: int = 0
    """Requests that were answered with a 2xx in these seconds."""
    latencies: dict[int, list[float]] = field(default_factory=dict)
    """By status: seconds from the time at which each request was due to the end of its response."""
    retry_after: dict[str, int] = field(default_factory=dict)
    """How often each value of Retry-After was received; "" for refusals (503) without one."""
    failed: int = 0
    """Requests without a response: the connection broke, or nothing arrived in time."""
    unsent: int = 0
    """Requests for which no connection was free."""
    lag: float = 0.0
    """99th percentile of the seconds by which the generator itself sent too late."""

    @property
    def accepted(self) -> list[float]:
        """Latencies of the requests with a 2xx, in ascending order."""
        return sorted(each for status, times in self.latencies.items() if status // 100 == 2 for each in times)

    @property
    def goodput(self) -> float:
        """Requests answered with a 2xx per second, while requests were sent."""
        return self.accepted_in_time / self.seconds

    def count(self, status: int) -> int:
        return len(self.latencies.get(status, ()))


def percentile(ascending: Sequence[float], percent: float) -> float:
    """Returns the value below which `percent` of the values lie (nearest rank); NaN without values."""
    if not ascending:
        return math.nan
    return ascending[max(0, math.ceil(len(ascending) * percent / 100) - 1)]


async def open_loop(
    base_url: str, rate: float, seconds: float, request: Request | Sequence[Request], *, seed: int = SEED
) -> Outcomes:
    """Sends `rate` requests per second for some seconds, at random times (Poisson), from a process of its own.

    Args:
        base_url: `http://host:port`.
        rate: requests per second.
        seconds: how long requests are sent; then responses are awaited for up to 30 s.
        request: the request, or several that are sent in turn.
        seed: of the times.
    """
    return await _in_process(base_url, seconds, request, rate=rate, seed=seed)


async def closed_loop(
    base_url: str, connections: int, seconds: float, request: Request | Sequence[Request]
) -> Outcomes:
    """Sends the next request on each of some connections as soon as the last one is answered."""
    return await _in_process(base_url, seconds, request, connections=connections)


async def _in_process(base_url: str, seconds: float, request: Request | Sequence[Request], **more: float) -> Outcomes:
    """Carries out a plan in a new process, which ends with the caller."""
    requests = [request] if isinstance(request, Request) else request
    plan = {"base_url": base_url, "seconds": seconds, "requests": [asdict(each) for each in requests], **more}
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await process.communicate(json.dumps(plan).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"The load generator ended with {process.returncode}.")
    fields = json.loads(output)
    fields["latencies"] = {int(status): times for status, times in fields["latencies"].items()}
    return Outcomes(**fields)


class _Connection(asyncio.Protocol):
    """A connection that sends one request at a time."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._request, self._due, self._reused = b"", 0.0, False
        self._is_busy = False

    def connection_made(self, transport: Any) -> None:  # uvloop's are no asyncio.Transport
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        self._request, self._due, self._is_busy, self._received = request, due, True, b""
        assert self._transport is not None
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(HEAD_ENDS)
        if end < 0 or not self._is_busy:
            return
        length = LENGTH.search(self._received, 0, end)
        assert length is not None, "a response without Content-Length"
        if len(self._received) - end - len(HEAD_ENDS) < int(length[1]):
            return
        self._is_busy, self._reused = False, True
        retry_after = RETRY_AFTER.search(self._received, 0, end)
        self._load.answered(int(self._received[9:12]), self._due, retry_after[1].decode() if retry_after else "")
        if CLOSES.search(self._received, 0, end):
            assert self._transport is not None
            self._transport.close()
        else:
            self._load.freed(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._load.lost(self)
        if not self._is_busy:
            return
        if self._reused and not self._received:  # the server closed an idle connection just then
            self._load.send(self._request, self._due)
        else:
            self._load.outcomes.failed += 1
            self._load.ended()
        self._is_busy = False


class _Load:
    def __init__(self, base_url: str, seconds: float) -> None:
        address = urlsplit(base_url)
        self._host, self._port = str(address.hostname), address.port or 80
        self.outcomes = Outcomes(seconds)
        self._idle: list[_Connection] = []
        self._connections = self._in_flight = 0
        self._ends_at = perf_counter() + seconds
        self._opening: set[asyncio.Task[None]] = set()
        self._has_ended = asyncio.Event()

    def send(self, request: bytes, due: float) -> None:
        """Sends a request on a free connection or a new one."""
        if self._idle:
            self._idle.pop().send(request, due)
        elif self._connections < MOST_CONNECTIONS:
            self._connections += 1
            task = asyncio.create_task(self._open_and_send(request, due))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            self.outcomes.unsent += 1
            self.ended()

    async def _open_and_send(self, request: bytes, due: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(lambda: _Connection(self), self._host, self._port)
        except OSError:
            self._connections -= 1
            self.outcomes.failed += 1
            self.ended()
        else:
            connection.send(request, due)

    def answered(self, status: int, due: float, retry_after: str) -> None:
        now = perf_counter()
        self.outcomes.latencies.setdefault(status, []).append(now - due)
        self.outcomes.accepted_in_time += status // 100 == 2 and now <= self._ends_at
        if retry_after or status == 503:
            self.outcomes.retry_after[retry_after] = self.outcomes.retry_after.get(retry_after, 0) + 1
        self.ended()

    def freed(self, connection: _Connection) -> None:
        self._idle.append(connection)

    def lost(self, connection: _Connection) -> None:
        self._connections -= 1
        if connection in self._idle:
            self._idle.remove(connection)

    def ended(self) -> None:
        self._in_flight -= 1
        self._has_ended.set()

    async def open(self, requests: Sequence[bytes], rate: float, seed: int) -> None:
        """Sends requests at random times, and awaits the last responses."""
        random, lags = Random(seed), []
        number, due = 0, perf_counter()
        ends = due + self.outcomes.seconds
        while (due := due + random.expovariate(rate)) < ends:
            if due > perf_counter():
                await asyncio.sleep(max(TURN_SECONDS, due - perf_counter()))
            lags.append(perf_counter() - due)
            self._in_flight += 1
            self.send(requests[number % len(requests)], due)
            number += 1
            if number % 8 == 0:
                await asyncio.sleep(0)  # responses are read, even if the generator is late
        self.outcomes.lag = percentile(sorted(lags), 99)
        await self._rest()

    async def closed(self, requests: Sequence[bytes], connections: int) -> None:
        """Keeps some connections busy, and awaits the last responses."""
        ends, number = perf_counter() + self.outcomes.seconds, 0
        while perf_counter() < ends:
            while self._in_flight < connections:
                self._in_flight += 1
                self.send(requests[number % len(requests)], perf_counter())
                number += 1
            self._has_ended.clear()
            try:
                await asyncio.wait_for(self._has_ended.wait(), ends - perf_counter())
            except TimeoutError:
                break
        await self._rest()

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while self._in_flight:
                    self._has_ended.clear()
                    await self._has_ended.wait()
        self.outcomes.failed += self._in_flight


def _encoded(request: Mapping[str, object], host: str) -> bytes:
    sent, body = request["headers"], str(request["body"]).encode()
    assert isinstance(sent, dict)
    headers = {"Host": host, **sent, **({"Content-Length": str(len(body))} if body else {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{request['method']} {request['target']} HTTP/1.1\r\n{head}\r\n".encode() + body


async def _carried_out(plan: Mapping[str, object]) -> Outcomes:
    base_url, requests = str(plan["base_url"]), plan["requests"]
    assert isinstance(requests, list)
    load = _Load(base_url, float(str(plan["seconds"])))
    encoded = [_encoded(each, urlsplit(base_url).netloc) for each in requests]
    if "rate" in plan:
        await load.open(encoded, float(str(plan["rate"])), int(str(plan["seed"])))
    else:
        await load.closed(encoded, int(str(plan["connections"])))
    return load.outcomes


if __name__ == "__main__":
    json.dump(asdict(uvloop.run(_carried_out(json.load(sys.stdin)))), sys.stdout)
