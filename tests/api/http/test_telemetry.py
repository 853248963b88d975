"""Logs, metrics and traces of requests, which never contain secrets."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import orjson
import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from pydantic import SecretStr

from app import prices, telemetry
from app.api.application import create_application
from app.config import Settings
from app.domain.access import Scope
from app.domain.jobs import ExportRequest
from app.entry import oidc_client, tracing
from app.wiring import wire
from tests.support.builders import (
    SECRET,
    DirectLauncher,
    a_key,
    a_project,
    an_item,
    client_of,
    idle_on,
    two_tastes,
    wired_on,
)
from tests.support.datasets import ROOT
from tests.support.operations import CALLS, Call
from tests.support.otlp_collector import Collector, collecting

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    def requests(self) -> list[dict[str, Any]]:
        return [line for line in map(orjson.loads, self.texts) if "route" in line]


class Watched:
    """An application and all of its output: responses, log lines, metrics and spans."""

    def __init__(self, settings: Settings, lines: Lines, collector: Collector) -> None:
        settings = settings.model_copy(update={"emf": True, "otlp_endpoint": collector.endpoint})
        provider = tracing.provider(settings)
        assert isinstance(provider, TracerProvider)
        self.provider, self.lines, self.collector, self.settings = provider, lines, collector, settings
        self.wired = wire(settings, DirectLauncher(), oidc_client.fetch, tracing.tracer(provider))
        self.application = create_application(self.wired.services, provider)
        self.key = a_project(self.wired, settings.project)

    def client(self, key: str | None = None) -> httpx2.Client:
        return TestClient(self.application, raise_server_exceptions=False, headers={"X-API-Key": key or self.key})

    def spans(self) -> list[Span]:
        self.provider.force_flush()
        return self.collector.spans()


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    telemetry.logger.addHandler(lines)
    telemetry.logger.setLevel(logging.INFO)
    yield lines
    telemetry.logger.removeHandler(lines)


@pytest.fixture
def watched(settings: Settings, lines: Lines) -> Iterator[Watched]:
    with collecting() as collector:
        watched = Watched(settings, lines, collector)
        yield watched
        watched.wired.close()
        watched.provider.shutdown()


class TestLine:
    def test_a_line_has_route_status_work_and_model(self, watched: Watched) -> None:
        services, project = watched.wired.services, watched.settings.project
        services.items.put_many(project, [an_item(f"i{n}") for n in range(12)])
        services.events.accept(project, two_tastes())
        trained = services.train.run(project, services.train.queue(project))

        watched.client().get("/v1/users/u2/recommendations?limit=10", headers={"x-request-id": "req-1"})

        [line] = watched.lines.requests()
        assert line["route"] == "GET /v1/users/{user_id}/recommendations"
        assert (line["request_id"], line["status"], line["model_version"]) == ("req-1", 200, trained.version)
        assert (line["recommendations"], line.get("fallback_used", False)) == (8, line.get("fallbacks", 0) > 0)
        assert line["project"] == telemetry.hashed(project)
        assert line["database_calls"] >= 3
        assert line["read_units"] > 0
        assert 0 <= line["staleness_seconds"] < 600
        assert line["latency_ms"] > 0

    def test_the_first_request_of_a_process_is_a_cold_start(self, watched: Watched) -> None:
        for _ in range(2):
            watched.client().get("/health/live")

        assert [line.get("cold_start", False) for line in watched.lines.requests()] == [True, False]

    def test_a_line_is_an_embedded_metric(self, watched: Watched) -> None:
        """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"""
        watched.client().get("/v1/items")

        [line] = watched.lines.requests()
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert abs(line["_aws"]["Timestamp"] / 1000 - datetime.now(UTC).timestamp()) < 60
        assert directive["Namespace"] == "Serendip"
        assert all(isinstance(line[metric["Name"]], int | float) for metric in directive["Metrics"])
        assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}.items() <= telemetry.METRICS.items()
        assert all(isinstance(line[name], str) for names in directive["Dimensions"] for name in names)

    def test_an_unexpected_error_is_logged_by_type_and_place_only(self, watched: Watched) -> None:
        def broken(*_: object) -> None:
            raise RuntimeError("ann@example.com")

        watched.wired.services.events.accept = broken  # type: ignore[method-assign, assignment]
        response = watched.client().post("/v1/events", json={"events": [{"user_id": "ann", "item_id": "tea"}]})

        assert (response.status_code, response.json()["title"]) == (500, "Internal error")
        assert response.headers["x-request-id"] == response.json()["instance"]
        assert response.headers["content-type"] == "application/problem+json"
        failure = next(line for line in map(orjson.loads, watched.lines.texts) if "error" in line)
        assert failure["error"] == "builtins.RuntimeError"
        assert failure["request_id"] == response.json()["instance"]
        assert "broken" in failure["frames"][-1]
        assert "ann@example.com" not in "".join(watched.lines.texts) + response.text
        assert watched.lines.requests()[-1]["status"] == 500


class TestTrace:
    def test_a_request_is_a_server_span_with_a_child_for_each_database_call(self, watched: Watched) -> None:
        response = watched.client().get("/v1/items", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})

        spans = [span for span in watched.spans() if span.trace_id.hex() == TRACE]
        [server] = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
        calls = [span for span in spans if span.kind == Span.SPAN_KIND_CLIENT]
        assert (server.name, server.parent_span_id.hex()) == ("GET /v1/items", PARENT)
        [line] = watched.lines.requests()
        assert len(calls) == line["database_calls"] > 0
        assert {span.parent_span_id for span in calls} == {server.span_id}
        assert all(span.name.startswith("DynamoDB.") for span in calls)
        assert line["trace_id"] == TRACE
        assert response.headers["traceparent"] == f"00-{TRACE}-{server.span_id.hex()}-01"

    @pytest.mark.parametrize("traceparent", ["", "00-zz", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01"])
    def test_an_invalid_traceparent_starts_a_new_trace(self, client: httpx2.Client, traceparent: str) -> None:
        response = client.get("/health/live", headers={"traceparent": traceparent})

        assert telemetry.TRACEPARENT.fullmatch(response.headers["traceparent"])
        assert TRACE not in response.headers["traceparent"]

    def test_sdk_and_exporter_are_not_loaded_without_a_collector(self, settings: Settings) -> None:
        code = (
            "import app.entry.aws.handler, sys;"
            "print([n for n in sys.modules if n.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
        )
        values = {
            **os.environ,
            "SERENDIP_SECRET": SECRET.get_secret_value(),
            "SERENDIP_ENDPOINT": str(settings.endpoint),
        }
        said = subprocess.run(
            [sys.executable, "-c", code], env=values, cwd=ROOT, check=True, capture_output=True, text=True
        )

        assert said.stdout.splitlines()[-1] == "[]"

    def test_the_collector_gets_the_headers_of_the_setting(self, settings: Settings) -> None:
        headers = SecretStr("api-key=a%20b,x-team=shop")
        with collecting() as collector:
            changes = {"otlp_endpoint": collector.endpoint, "otlp_headers": headers}
            provider = tracing.provider(settings.model_copy(update=changes))
            assert isinstance(provider, TracerProvider)
            provider.get_tracer("test").start_span("work").end()
            provider.shutdown()

        (sent,) = collector.headers
        assert (sent["api-key"], sent["x-team"]) == ("a b", "shop")

    def test_a_job_in_the_worker_continues_the_trace(self, watched: Watched) -> None:
        services, project = watched.wired.services, watched.settings.project
        services.events.accept(project, two_tastes())
        event = {
            "serendip": "job",
            "project": project,
            "job": idle_on(watched.settings).services.jobs.create(project, ExportRequest()).job_id,
            "request_id": "req-7",
            "traceparent": f"00-{TRACE}-{PARENT}-01",
        }
        values = {
            **os.environ,
            "SERENDIP_SECRET": SECRET.get_secret_value(),
            "SERENDIP_ENDPOINT": str(watched.settings.endpoint),
            "SERENDIP_FILES": str(watched.settings.files),
        }
        code = f"from app.entry.aws.handler import handler; handler({event!r}, None)"
        said = subprocess.run(
            [sys.executable, "-c", code], env=values, cwd=ROOT, check=True, capture_output=True, text=True
        )

        job = next(line for line in map(orjson.loads, said.stdout.splitlines()) if "job" in line)
        assert (job["job"], job["outcome"], job["trace_id"], job["request_id"]) == ("job", "done", TRACE, "req-7")
        assert job["write_units"] > 0


class TestDebug:
    def test_admins_get_time_and_cost(self, client: httpx2.Client) -> None:
        response = client.get("/v1/items?debug=true")

        assert response.headers["server-timing"].startswith("total;dur=")
        assert "calls" in response.headers["server-timing"]
        cost = dict(part.split("=") for part in response.headers["serendip-cost"].split(", "))
        assert float(cost["usd"]) > 0
        assert float(cost["rru"]) > 0

    def test_other_callers_get_no_time_and_cost(self, watched: Watched) -> None:
        key = a_key(watched.wired, watched.settings.project, Scope.WRITE)

        assert watched.client(key).get("/v1/items?debug=true").status_code == 403
        assert "server-timing" not in watched.client(key).get("/v1/items").headers


class TestUsage:
    def test_requests_events_units_and_dollars_are_summed_by_day(self, watched: Watched) -> None:
        client = watched.client()
        for n in range(3):
            client.post(
                "/v1/events", json={"events": [{"user_id": "u", "item_id": f"i{n}"}, {"user_id": "v", "item_id": "j"}]}
            )
        client.get("/v1/users/u/recommendations?limit=2")
        client.get("/v1/lists/popular")
        watched.wired.services.usage.write()

        response = client.get("/v1/usage").json()

        [day] = response["days"]
        assert day["day"] == datetime.now(UTC).date().isoformat()
        assert (day["requests"], day["events"], day["recommendations"]) == (5, 6, 2)
        assert day["read_units"] > 0
        assert day["write_units"] >= 12
        assert 0 < day["estimated_usd"] == response["estimated_usd"]
        assert sum(day["parts"].values()) == pytest.approx(day["estimated_usd"])
        assert client.get("/v1/usage?to=2026-01-01&days=400").json()["days"] == []
        assert client.get("/v1/usage?days=401").status_code == 422

    def test_a_request_through_a_function_url_costs_no_gateway(self, watched: Watched) -> None:
        settings = watched.settings.model_copy(update={"front": "url"})
        wired = wired_on(settings)
        with client_of(wired, a_project(wired, f"{settings.project}-url")) as client:
            answer = client.get("/v1/lists/latest?debug=true")
            wired.services.usage.write()
            [day] = client.get("/v1/usage").json()["days"]

        assert day["parts"]["requests"] == pytest.approx(prices.LAMBDA_REQUEST * day["requests"])
        cost, reads, writes = re.findall(r"=([\d.]+)", answer.headers["serendip-cost"])
        milliseconds = float(re.findall(r"total;dur=([\d.]+)", answer.headers["server-timing"])[0])
        used = {"read_units": float(reads), "write_units": float(writes), "milliseconds": milliseconds}
        assert float(cost) == pytest.approx(prices.dollars(front="url", requests=1, **used), abs=1e-9)

    def test_a_request_writes_usage_after_an_interval(self, watched: Watched) -> None:
        wired = wired_on(watched.settings.model_copy(update={"usage_seconds": 0.0}))
        project = f"{watched.settings.project}-eager"
        with client_of(wired, a_project(wired, project)) as client:
            for _ in range(3):
                client.get("/v1/lists/latest")
            [day] = client.get("/v1/usage").json()["days"]

        assert day["requests"] >= 2
        wired.close()

    def test_many_requests_share_one_write_of_usage(self, watched: Watched) -> None:
        for _ in range(20):
            watched.client().get("/health/live")
            watched.client().get("/v1/lists/latest")

        assert "DynamoDB.UpdateItem" not in {span.name for span in watched.spans()}


CANARIES = {
    "key": "sk_canaryCANARYcanaryCANARYcanaryCANARYcanaryCANARYcan4ry",
    "token": "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOiJjYW5hcnkifQ.Y2FuYXJ5Y2FuYXJ5",
    "mail": "canary.bird@example.com",
}


class TestCanary:
    @pytest.mark.parametrize("name", CANARIES)
    def test_secrets_sent_through_every_route_appear_in_no_output(self, watched: Watched, name: str) -> None:
        secret = CANARIES[name]
        problems, sent = [], 0
        with watched.client() as client:
            for call in CALLS.values():
                for url, body, more in _requests(call, secret):
                    response = client.request(call.method, url, json=body, headers=more)
                    sent += 1
                    if response.status_code >= 400:
                        assert response.headers["content-type"] == "application/problem+json"
                        problems.append(response.text)

        assert len(problems) > sent / 3
        assert [text for text in problems if secret in text] == []
        assert len(watched.lines.requests()) == sent
        assert [text for text in watched.lines.texts if secret in text] == []
        assert len(watched.spans()) > sent
        assert [body for body in watched.collector.bodies if secret.encode() in body] == []


def _requests(call: Call, secret: str) -> list[tuple[str, Any, dict[str, str]]]:
    """Path, body and headers of requests that have the secret in every place of a call."""
    path = call.url
    for part in ("i1", "i2", "i4", "u1", "u3", "u9", "erased", "popular", "{version}", "{key_id}", "{project}"):
        path = path.replace(f"/{part}", f"/{secret}")
    bodies = [None, {secret: secret}, [secret], secret, *_with(call.body, secret)]
    headers = [
        {},
        {"X-API-Key": secret},
        {"Authorization": f"Bearer {secret}"},
        dict.fromkeys(("If-Match", "If-None-Match", "Idempotency-Key", "Origin"), secret),
        dict.fromkeys(("X-Request-Id", "traceparent", "tracestate", "User-Agent", "Referer"), secret),
    ]
    requests: list[tuple[str, Any, dict[str, str]]] = [(path, body, {}) for body in bodies] + [
        (path, call.body, sent_headers) for sent_headers in headers
    ]
    query = "&".join(
        f"{parameter}={secret}" for parameter in ("cursor", "limit", "fresh_after", "exclude", "category", "to", secret)
    )
    return [*requests, (f"{path}?{query}", call.body, {})]


def _with(body: Any, secret: str) -> Iterator[Any]:
    """Bodies with the secret added, and in place of each value."""
    if isinstance(body, dict):
        yield {**body, secret: 1}
        yield {**body, "properties": {secret: secret}, "title": secret}
        for name in body:
            yield {**body, name: secret}
            yield {**body, name: [secret]}
            yield {**body, name: [{secret: secret}]}
