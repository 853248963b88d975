"""The handler, run by AWS's own runtime client against a Runtime API."""

from collections.abc import Iterator

import orjson
import pytest

from app.config import Settings
from app.domain.jobs import TrainingRequest
from app.domain.models import VersionState
from app.wiring import Wired
from tests.support.builders import an_event, idle_on
from tests.support.lambda_runtime import Runtime, runtime
from tests.support.management_api import Gateway
from tests.support.payloads import FORMS, Request, websocket
from tests.support.server_process import environment
from tests.support.stream_records import a_record

GARBAGE: tuple[object, ...] = (
    {},
    [],
    "text",
    None,
    7,
    {"Records": []},
    {"Records": [{"eventSource": "aws:s3"}]},
    {"Records": "none"},
    {"requestContext": {}},
    {"requestContext": "none"},
    {"serendip": "dance"},
    {"type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2/*/GET/v1/items", "headers": {}},
)
"""The last event is an authorizer's, which nothing in the template sends."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    played = Gateway()
    with played.serving() as played.endpoint:
        yield played


@pytest.fixture
def function(settings: Settings, gateway: Gateway) -> Iterator[Runtime]:
    aws = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "SERENDIP_SOCKET_ENDPOINT": gateway.endpoint}
    with runtime(environment(settings, settings.project) | aws) as running:
        yield running


class TestHandler:
    def test_every_kind_of_event_is_answered(
        self, function: Runtime, gateway: Gateway, wired: Wired, settings: Settings, key: str
    ) -> None:
        put: Request = ("PUT", "/v1/items/i1", {"x-api-key": key, "content-type": "application/json"}, b"{}")
        for form in FORMS.values():
            result = function.invoke(form(put))
            assert (result.kind, result.body["statusCode"]) == ("response", 200)
            assert orjson.loads(result.body["body"])["item_id"] == "i1"

        assert function.invoke(websocket.connect("c1=", {"X-API-Key": key})).body["statusCode"] == 200
        assert function.invoke(websocket.message("c1=", '{"action": "ping"}')).body["statusCode"] == 200
        assert gateway.frames()[-1] == {"action": "pong"}
        assert function.invoke(websocket.disconnect("c1=")).body["statusCode"] == 200

        batch = {"Records": [a_record(settings.project, an_event("u1", "i1"))]}
        assert function.invoke(batch).body == {"batchItemFailures": []}
        assert function.invoke({"serendip": "tick"}).body.keys() == {"refreshed", "resumed", "packed"}

        services = idle_on(settings).services
        version = services.train.queue(settings.project).version
        job = services.jobs.create(settings.project, TrainingRequest(version))
        done = function.invoke({"serendip": "job", "project": settings.project, "job": job.job_id})
        assert done.body == {"state": "failed"}  # too few events
        assert wired.services.train.get(settings.project, version).state is VersionState.FAILED

    def test_unknown_events_are_errors_and_the_next_event_is_answered(self, function: Runtime) -> None:
        for event in GARBAGE:
            failed = function.invoke(event)
            assert (failed.kind, failed.body["errorType"]) == ("error", "ValueError"), event
            assert "unknown kind of event" in failed.body["errorMessage"]
        live = function.invoke(FORMS["v2"](("GET", "/health/live", {}, None)))

        assert (live.kind, live.body["statusCode"]) == ("response", 200)


class TestStart:
    def test_a_handler_that_cannot_be_imported_is_reported_to_lambda(self, settings: Settings) -> None:
        with runtime(environment(settings, settings.project), "app.entry.nothing.handler") as running:
            failed = running.outcomes.get(timeout=60)

        assert failed.kind == "init"
        assert failed.body["errorType"] == "Runtime.ImportModuleError"

    def test_a_missing_setting_is_reported_to_lambda_by_name(self, settings: Settings) -> None:
        variables = environment(settings, settings.project)
        del variables["SERENDIP_SECRET"]
        with runtime(variables) as running:
            failed = running.outcomes.get(timeout=60)

        assert failed.kind == "init"
        assert "secret" in failed.body["errorMessage"]
