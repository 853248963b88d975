"""Rate limits and quotas hold for any number of threads and processes."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import http_sf
import httpx2
import orjson
import pytest

from app.config import Settings
from app.domain.access import Limits, Principal, Scope
from app.entry import oidc_client
from app.entry.launcher import NoLauncher
from app.errors import LimitExceeded
from app.services.access.rate_limits import Use
from app.wiring import Wired, wire
from tests.support import faulty_dynamodb
from tests.support.builders import a_key, client_of, wired_on
from tests.support.calls import names_of_calls
from tests.support.fake_clock import FakeClock
from tests.support.limits import spent
from tests.support.processes import PROCESSES
from tests.support.server_process import served

SECONDS = 3.0
PROCESSES_AT_ONCE = 8


def hammer(settings: Settings, limits: Limits, all_ready: Any, results: Any) -> None:
    """Tries to pass for some seconds, in its own process; puts the time before the first try, and those it passed."""
    wired = wire(settings, NoLauncher(), oidc_client.fetch)
    principal = Principal(settings.project, frozenset(), "shared", limits=limits)
    passed: list[float] = []
    all_ready.wait()
    began, ends_at = time.time(), time.monotonic() + SECONDS
    while time.monotonic() < ends_at:
        try:
            wired.services.limiter.spend(principal)
            passed.append(time.time())
        except LimitExceeded:
            time.sleep(0.002)
    results.put((began, passed))


def within_bound(passed: list[float], limits: Limits, window: float, lease: float) -> bool:
    """Whether at most burst + rate * (window + lease) requests pass in every window."""
    rate = limits.requests_per_second or 0.0
    most = limits.bucket_size + rate * (window + lease)
    ordered = sorted(passed)
    return all(
        sum(start <= time < start + window for time in ordered[index : index + int(most) + 2]) <= most
        for index, start in enumerate(ordered)
    )


def a_principal(project: str, **limits: Any) -> Principal:
    return Principal(project, frozenset(), "a-key", limits=Limits(**limits))


class TestRate:
    def test_sixteen_threads_never_pass_more_than_the_limit(self, wired: Wired, settings: Settings) -> None:
        limits = Limits(requests_per_second=20, burst=10)
        key = a_key(wired, settings.project, Scope.WRITE, limits=limits)
        with (
            served(settings, settings.project) as base,
            httpx2.Client(base_url=base, headers={"X-API-Key": key}) as client,
            ThreadPoolExecutor(16) as threads,
        ):
            started = time.monotonic()
            responses = list(threads.map(lambda _: client.get("/v1/items"), range(400)))
            elapsed = time.monotonic() - started

        statuses = [response.status_code for response in responses]
        assert set(statuses) == {200, 429}
        assert limits.bucket_size <= statuses.count(200) <= limits.bucket_size + 20 * elapsed

    def test_eight_processes_stay_within_the_bound(self, wired: Wired, settings: Settings) -> None:
        limits = Limits(requests_per_second=40, burst=20)
        assert wired.services.settings.lease_seconds == settings.lease_seconds
        all_ready, results = PROCESSES.Barrier(PROCESSES_AT_ONCE + 1), PROCESSES.Queue()
        arguments = (settings, limits, all_ready, results)
        processes = [PROCESSES.Process(target=hammer, args=arguments) for _ in range(PROCESSES_AT_ONCE)]
        for process in processes:
            process.start()
        all_ready.wait(60)
        began, passed_by_process = zip(*[results.get(timeout=60) for _ in processes], strict=True)
        for process in processes:
            process.join(60)

        passed = [instant for instants in passed_by_process for instant in instants]
        assert len(passed) <= limits.bucket_size + 40 * (max(passed) - min(began))
        assert within_bound(passed, limits, 0.5, settings.lease_seconds)
        assert len(passed) >= limits.bucket_size
        assert sum(map(bool, passed_by_process)) >= 2, "all requests of the bound passed in one process"


class TestQuota:
    def test_all_instances_together_pass_exactly_the_daily_quota(self, settings: Settings, wired: Wired) -> None:
        others = [wired_on(settings) for _ in range(3)]
        principal = a_principal(settings.project, requests_per_day=25)

        passed = [spent(instance.services.limiter, principal, 7) for instance in (*others, wired, *others, wired)]

        assert sum(passed) == 25
        for other in others:
            other.close()

    def test_a_clock_that_was_an_hour_ahead_locks_no_key(self, settings: Settings) -> None:
        clock = FakeClock()
        instance = wired_on(settings, clock=clock)
        principal = a_principal(settings.project, requests_per_second=100, burst=5)
        clock.jump(3_600)
        spent(instance.services.limiter, principal, 50)

        clock.jump(-3_600)
        clock.advance(1.0)
        passed = spent(instance.services.limiter, principal, 5)

        assert passed == 5
        instance.close()

    def test_leased_tokens_that_were_not_spent_are_returned(self, settings: Settings) -> None:
        clock = FakeClock()
        instance = wired_on(settings.model_copy(update={"lease_seconds": 0.05}), clock=clock)
        principal = a_principal(settings.project, requests_per_day=300)
        passed = 0
        for _ in range(20):
            passed += spent(instance.services.limiter, principal, 7)
            clock.advance(0.06)  # the lease ends with tokens left

        passed += spent(instance.services.limiter, principal, 400)

        assert passed == 300
        instance.close()


class TestUses:
    def test_they_are_what_was_spent_and_leased(self, settings: Settings) -> None:
        clock = FakeClock()
        instance = wired_on(settings, clock=clock)
        limiter = instance.services.limiter
        key = a_principal(settings.project, requests_per_second=0.01, burst=10, requests_per_day=50)
        limits = {"a-key": key.limits, "unused": Limits(requests_per_day=9), "free": Limits()}
        spent(limiter, key, 4)

        assert limiter.uses(settings.project, limits) == {"a-key": Use(4, 6, 10), "unused": Use(0, None, None)}
        clock.advance(200)
        assert limiter.uses(settings.project, limits)["a-key"] == Use(4, 8, 10)
        clock.advance(86_400)
        assert limiter.uses(settings.project, limits)["a-key"] == Use(0, 10, 10)
        instance.close()


class TestWrites:
    def test_leases_need_far_fewer_writes_than_requests(self, wired: Wired, settings: Settings) -> None:
        writes = names_of_calls(wired.database, "PutItem")

        passed = spent(wired.services.limiter, a_principal(settings.project, requests_per_second=5_000), 2_000)

        assert passed == 2_000
        assert len(writes) < passed / 10


class TestOutage:
    def test_an_instance_applies_the_rate_by_itself_when_the_database_is_down(self, settings: Settings) -> None:
        with faulty_dynamodb.proxy(str(settings.endpoint), lambda *_: faulty_dynamodb.throttled()) as endpoint:
            instance = wired_on(settings.model_copy(update={"endpoint": endpoint, "attempts": 1}))
            passed = spent(instance.services.limiter, a_principal(settings.project, requests_per_second=10), 10)
            instance.close()

        assert passed == 10


class TestHeaders:
    def test_rate_limit_headers_are_structured_fields_that_count_down(self, wired: Wired, settings: Settings) -> None:
        limits = Limits(requests_per_second=0.01, burst=3, requests_per_day=100)
        client = client_of(wired, a_key(wired, settings.project, Scope.WRITE, limits=limits))

        responses = [client.get("/v1/items") for _ in range(4)]

        def parsed(response: httpx2.Response, name: str) -> dict[str, dict[str, int]]:
            fields: Any = http_sf.parse(response.headers[name].encode(), tltype="list")
            return dict(fields)

        for response in responses:
            assert parsed(response, "RateLimit-Policy") == {"rate": {"q": 3, "w": 300}, "day": {"q": 100, "w": 86400}}
        assert [parsed(response, "RateLimit")["rate"]["r"] for response in responses] == [2, 1, 0, 0]
        assert [parsed(response, "RateLimit")["day"]["r"] for response in responses[:3]] == [99, 98, 97]
        refused = responses[3]
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 100
        problem = refused.json()
        assert problem["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
        assert problem["violated-policies"] == ["rate"]

    def test_a_key_without_limits_gets_no_rate_limit_headers(self, client: httpx2.Client) -> None:
        assert not {"ratelimit", "ratelimit-policy"} & set(client.get("/v1/items").headers)


class TestOverload:
    def test_requests_above_the_capacity_get_503(self, wired: Wired, settings: Settings) -> None:
        key = a_key(wired, settings.project, Scope.WRITE)
        crowded = {"SERENDIP_MAX_REQUESTS": "2"}
        with (
            faulty_dynamodb.proxy(str(settings.endpoint), lambda *_: time.sleep(0.03)) as slow,
            served(settings.model_copy(update={"endpoint": slow}), settings.project, crowded) as base,
            ExitStack() as closed_later,
        ):
            address = urlsplit(base).netloc
            at_once = [closed_later.enter_context(closing(HTTPConnection(address))) for _ in range(64)]
            for connection in at_once:
                connection.request("GET", "/v1/items", headers={"X-API-Key": key})
            responses = [connection.getresponse() for connection in at_once]
            problems = [orjson.loads(response.read()) for response in responses if response.status == 503]
            assert httpx2.get(f"{base}/health/live").status_code == 200

        assert {response.status for response in responses} == {200, 503}
        assert all(response.headers["Retry-After"] for response in responses if response.status == 503)
        kind = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
        assert {problem["type"] for problem in problems} == {kind}


@pytest.mark.parametrize("limits", [Limits(requests_per_second=0.5), Limits(requests_per_second=10, burst=1)])
def test_a_bucket_holds_at_least_one_token(limits: Limits) -> None:
    assert limits.bucket_size == 1
