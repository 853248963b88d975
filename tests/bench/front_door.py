"""Time that the front door adds to a warm request: the application with and without it, in turn."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from mangum import Mangum
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.application import create_application
from app.domain.access import INCLUDED, Limits, Principal
from app.domain.access import Scope as KeyScope
from app.wiring import Wired
from tests.bench.latency import PROJECT, loaded_shop, logs_discarded
from tests.support.builders import a_key, wired_on
from tests.support.payloads import http_api

ROUNDS = 1_500
UNLIMITED = Limits(requests_per_second=100_000)


def run() -> None:
    print(f"\nFront door: recommendations through Mangum, {ROUNDS} requests each in turn, milliseconds p50")
    with loaded_shop() as (settings, _):
        wired = wired_on(settings)
        keys = {
            "with the front door": a_key(wired, PROJECT, KeyScope.RECOMMEND),
            "with a rate limit as well": a_key(wired, PROJECT, KeyScope.RECOMMEND, limits=UNLIMITED),
        }
        calls = {"without": _call(_WithoutFrontDoor(wired), "none")}
        calls |= {name: _call(create_application(wired.services), key) for name, key in keys.items()}
        with logs_discarded():
            seconds_by_call = _measured(calls)
        _report(seconds_by_call)
        wired.close()


class _WithoutFrontDoor:
    """The application without authentication and rate limits."""

    def __init__(self, wired: Wired) -> None:
        application = create_application(wired.services)
        application.user_middleware.clear()
        self._application: ASGIApp = application
        self._principal = Principal(PROJECT, INCLUDED[KeyScope.RECOMMEND], "bench")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.update(principal=self._principal, request_id="bench")
        await self._application(scope, receive, send)


def _call(application: Any, key: str) -> Callable[[int], None]:
    handler: Any = Mangum(application, lifespan="off")

    def call(number: int) -> None:
        target = f"/v1/users/user-{number % 60 + 1:03d}/recommendations?limit=10"
        assert handler(http_api(("GET", target, {"x-api-key": key}, None)), None)["statusCode"] == 200

    return call


def _measured(calls: dict[str, Callable[[int], None]]) -> dict[str, list[float]]:
    seconds_by_call: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(-120, ROUNDS):  # the first two rounds of users warm up
        names = list(calls)
        for name in names[number % len(names) :] + names[: number % len(names)]:  # the first call pays for the caches
            call = calls[name]
            started = time.perf_counter()
            call(number)
            if number >= 0:
                seconds_by_call[name].append(time.perf_counter() - started)
    return seconds_by_call


def _report(seconds_by_call: dict[str, list[float]]) -> None:
    bare = statistics.median(seconds_by_call["without"])
    for name, seconds in seconds_by_call.items():
        median = statistics.median(seconds)
        share = (median - bare) / median
        print(
            f"  {name}: {median * 1_000:.2f}" + ("" if name == "without" else f", {share:.1%} of it is the front door")
        )
