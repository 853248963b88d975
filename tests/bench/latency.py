"""A user's recommendations compared with a bare hello-world route and a bare GetItem (handler, uvicorn).

Through the handler, the bare route is one of an application that is nothing but FastAPI and Mangum.
"""

import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx2
from fastapi import FastAPI
from mangum import Mangum

from app import telemetry
from app.clock import now
from app.config import Settings
from app.entry.local import dynamodb, sample_shop
from app.storage.aws import client
from tests.support.builders import SECRET, a_project, wired_on
from tests.support.datasets import ROOT
from tests.support.payloads import http_api

REQUESTS = 1_500
USERS = 60
PROJECT = "bench"
BOTOCORE = "botocore's GetItem"
IDS = "recommendations, ids alone"
YARDSTICKS = "hello world", "GetItem", BOTOCORE

SERVER = """
import os, sys, uvicorn
from app import telemetry
from app.config import Settings
from app.entry.oidc_client import fetch
from app.entry.launcher import NoLauncher
from app.wiring import wire
from app.api.application import create_application
wired = wire(Settings.from_environment(os.environ), NoLauncher(), fetch)
app = create_application(wired.services)
telemetry.configure()
@app.get("/bare/hello", include_in_schema=False)
async def hello():
    return {"hello": "world"}
@app.get("/bare/item", include_in_schema=False)
def item():
    request = {"TableName": "serendip-items", "Key": {"key": {"S": "bench#sku-001"}}}
    return {"found": "Item" in wired.database.call("GetItem", request)}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", lifespan="off")
"""


def run() -> None:
    print(f"\nLatency: {REQUESTS} requests in turn, {USERS} users, sample shop, milliseconds p50 / p99, warm")
    with loaded_shop() as (settings, key):
        targets = {
            "hello world": lambda _: "/bare/hello",
            "GetItem": lambda _: "/bare/item",
            "recommendations": lambda n: f"/v1/users/user-{n % USERS + 1:03d}/recommendations?limit=10",
            IDS: lambda n: f"/v1/users/user-{n % USERS + 1:03d}/recommendations?limit=10&fields=item_id",
        }
        _through_uvicorn(settings, key, targets)
        with logs_discarded():
            _through_handler(settings, key, targets)


@contextmanager
def logs_discarded() -> Iterator[None]:
    """Writes log lines, as in production, but not to the output."""
    telemetry.configure()
    with Path(os.devnull).open("w") as nowhere:
        handler = telemetry.logger.handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        before = handler.setStream(nowhere)
        yield
        handler.setStream(before or sys.stdout)


@contextmanager
def loaded_shop() -> Iterator[tuple[Settings, str]]:
    """Runs an emulator with the trained sample shop; yields its settings and an admin key."""
    with emulated() as settings:
        yield settings, load(settings)


@contextmanager
def emulated() -> Iterator[Settings]:
    """Runs an emulator; yields its settings."""
    emulator = dynamodb.start(ROOT / ".serendip", None)
    try:
        yield Settings(secret=SECRET, endpoint=emulator.endpoint, project=PROJECT)
    finally:
        emulator.stop()


def load(settings: Settings) -> str:
    """Loads the sample shop and trains a model; returns an admin key."""
    wired = wired_on(settings)
    key = a_project(wired, PROJECT)
    random = Random(sample_shop.SEED)
    shop, people = sample_shop.items(random), sample_shop.users(random)[:USERS]
    for start in range(0, len(shop), 100):
        wired.services.items.put_many(PROJECT, shop[start : start + 100])
    events = list(sample_shop.events(random, shop, people, now()))
    for start in range(0, len(events), 500):
        wired.services.events.accept(PROJECT, events[start : start + 500])
    wired.services.train.run(PROJECT, wired.services.train.queue(PROJECT))
    wired.close()
    return key


def _measured(call: Callable[[int], Any]) -> list[float]:
    for number in range(USERS * 2):
        call(number)
    seconds = []
    for number in range(REQUESTS):
        started = time.perf_counter()
        call(number)
        seconds.append(time.perf_counter() - started)
    return seconds


def _print(where: str, seconds_by_call: dict[str, list[float]]) -> None:
    yardsticks = {name: statistics.median(seconds_by_call[name]) for name in YARDSTICKS if name in seconds_by_call}
    for name, seconds in seconds_by_call.items():
        cuts = statistics.quantiles(seconds, n=100)
        ratios = ", ".join(f"{cuts[49] / median:.2f} x {yardstick}" for yardstick, median in yardsticks.items())
        print(f"  {where}, {name}: {cuts[49] * 1000:.2f} / {cuts[98] * 1000:.2f}, {ratios}")


def environment_of(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "SERENDIP_SECRET": SECRET.get_secret_value(),
        "SERENDIP_ENDPOINT": str(settings.endpoint),
        "SERENDIP_PROJECT": settings.project,
    }


def _through_uvicorn(settings: Settings, key: str, targets: dict[str, Callable[[int], str]]) -> None:
    port = dynamodb.free_port()
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port)], env=environment_of(settings), cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": key}) as client:
            for _ in range(200):
                try:
                    client.get("/health/live")
                    break
                except httpx2.TransportError:
                    time.sleep(0.1)
            seconds_by_call = {}
            for name, target in targets.items():

                def call(number: int, target: Callable[[int], str] = target) -> None:
                    client.get(target(number)).raise_for_status()

                seconds_by_call[name] = _measured(call)
    finally:
        server.terminate()
        server.wait()
    _print("uvicorn", seconds_by_call)


def _bare_handler() -> Callable[[Any, Any], dict[str, Any]]:
    app = FastAPI()

    @app.get("/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    return Mangum(app, lifespan="off")


def _through_handler(settings: Settings, key: str, targets: dict[str, Callable[[int], str]]) -> None:
    """Measures the handler in this process, as Lambda calls it; GetItem is only the call of a client."""
    os.environ.update(environment_of(settings))
    from app.entry.aws import handler  # noqa: PLC0415 - reads the environment

    hello = _bare_handler()

    def greet(_: int) -> None:
        assert hello(http_api(("GET", "/hello", {}, None)), None)["statusCode"] == 200

    def answer(target: str) -> None:
        assert handler.handler(http_api(("GET", target, {"x-api-key": key}, None)), None)["statusCode"] == 200

    request = {"TableName": "serendip-items", "Key": {"key": {"S": "bench#sku-001"}}}
    database = handler._wired.database  # noqa: SLF001
    botocore = client(
        "dynamodb",
        settings.region,
        read_timeout_seconds=10,
        endpoint=settings.endpoint,
        access_key=("local", "local"),
    )
    seconds_by_call = {
        "hello world": _measured(greet),
        "health check": _measured(lambda _: answer("/health/live")),
        "GetItem": _measured(lambda _: database.call("GetItem", dict(request))),
        BOTOCORE: _measured(lambda _: botocore.get_item(**request)),
        "recommendations": _measured(lambda n: answer(targets["recommendations"](n))),
        IDS: _measured(lambda n: answer(targets[IDS](n))),
    }
    _print("handler", seconds_by_call)
