"""The Lambda handler. Each test has its own process, because importing the handler builds the application."""

import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import httpx2
import orjson
import pytest

from app.api.application import DEFERRED
from app.config import Settings
from app.domain.jobs import ImportRequest, TrainingRequest
from app.services.jobs import UPLOAD, file_name
from app.wiring import Wired
from tests.support.builders import a_project, idle_on, two_tastes
from tests.support.conversation import REQUESTS, steady
from tests.support.datasets import ROOT
from tests.support.payloads import FORMS, Request
from tests.support.programs import forked, last_line, python
from tests.support.server_process import environment, served

HEAVY = (
    "stamina",
    "cryptography",
    "jwt",
    "numpy",
    "scipy",
    "pyarrow",
    "boto3",
    "uvicorn",
    "httpx",
    "httpx2",
    "typer",
    "rich",
    "psutil",
)

ANSWER_ALL = """
import json, sys
from app.entry.aws.handler import handler
for line in sys.stdin:
    answer = handler(json.loads(line), None)
    print("answer " + json.dumps(answer), flush=True)
"""
ANSWER = "answer "


def to_json(event: dict[str, Any]) -> str:
    return orjson.dumps(event).decode()


def with_key(request: Request, key: str) -> Request:
    method, target, headers, body = request
    return method, target, {**headers, "x-api-key": key}, body


def through_lambda(settings: Settings, project: str, key: str, form: str) -> list[tuple[int, str, Any]]:
    events = "\n".join(to_json(FORMS[form](with_key(request, key))) for request in REQUESTS)
    results = [
        orjson.loads(line.removeprefix(ANSWER))
        for line in forked(ANSWER_ALL, environment(settings, project), events).splitlines()
        if line.startswith(ANSWER)
    ]
    responses = []
    for result in results:
        headers = {name.lower(): value for name, value in result.get("headers", {}).items()}
        headers |= {name.lower(): values[0] for name, values in result.get("multiValueHeaders", {}).items()}
        assert not result["isBase64Encoded"]
        body = result["body"]
        responses.append((result["statusCode"], headers.get("content-type", ""), orjson.loads(body) if body else None))
    return responses


class TestHandler:
    def test_lambda_answers_thirty_requests_like_uvicorn(self, wired: Wired, settings: Settings) -> None:
        """Status, content type and JSON are equal for payloads v1, v2 and function URLs."""
        key = a_project(wired, f"{settings.project}-u")
        with served(settings, settings.project) as base, httpx2.Client(base_url=base) as client:
            requests = [with_key(request, key) for request in REQUESTS]
            responses = [client.request(m, target, headers=h, content=body) for m, target, h, body in requests]
        expected = [
            (
                response.status_code,
                response.headers.get("content-type", ""),
                steady(response.json() if response.content else None),
            )
            for response in responses
        ]

        for form in FORMS:
            key = a_project(wired, f"{settings.project}-{form}")
            lambda_responses = through_lambda(settings, settings.project, key, form)
            assert [(status, kind, steady(body)) for status, kind, body in lambda_responses] == expected, form
        assert len(expected) == 30
        assert {status for status, _, _ in expected} == {200, 202, 204, 400, 404, 415, 422}

    def test_preflights_are_answered_without_the_database(self, settings: Settings) -> None:
        nowhere = settings.model_copy(update={"endpoint": "http://127.0.0.1:9"})
        page = {"origin": "https://shop.example", "access-control-request-method": "POST"}
        events = [form(("OPTIONS", "/v1/events", page, None)) for form in FORMS.values()]

        output = forked(ANSWER_ALL, environment(nowhere, settings.project), "\n".join(map(to_json, events)))

        answers = [orjson.loads(line.removeprefix(ANSWER)) for line in output.splitlines() if line.startswith(ANSWER)]
        assert [answer["statusCode"] for answer in answers] == [204] * len(FORMS)
        for answer in answers:
            several = {name: values[0] for name, values in answer.get("multiValueHeaders", {}).items()}
            headers = {name.lower(): value for name, value in {**answer.get("headers", {}), **several}.items()}
            assert headers["access-control-allow-origin"] == "https://shop.example"
            assert headers["vary"] == "Origin"

    def test_a_thousand_invocations_build_the_application_once(self, settings: Settings) -> None:
        code = """
import app.wiring, app.api.application as application
built = []
create = application.create_application
application.create_application = lambda *arguments: built.append(1) or create(*arguments)
from app.entry.aws.handler import handler
from tests.support.payloads import http_api
event = http_api(("GET", "/health/live", {}, None))
statuses = {handler(event, None)["statusCode"] for _ in range(1000)}
print(len(built), statuses)
"""
        assert last_line(forked(code, environment(settings, settings.project))) == "1 {200}"

    def test_a_warm_request_starts_no_thread(self, wired: Wired, settings: Settings) -> None:
        key = a_project(wired, settings.project)
        code = f"""
import threading
from app.entry.aws.handler import handler
from tests.support.payloads import http_api
event = http_api(("GET", "/v1/users/ann/recommendations", {{"x-api-key": "{key}"}}, None))
handler(event, None)
start, started = threading.Thread.start, []
threading.Thread.start = lambda thread: started.append(thread.name) or start(thread)
print(handler(event, None)["statusCode"], started)
"""

        assert last_line(forked(code, environment(settings, settings.project))) == "200 []"

    def test_garbage_collection_is_enabled_after_the_imports(self, settings: Settings) -> None:
        code = "import app.entry.aws.handler, gc; print(gc.isenabled(), gc.get_freeze_count() > 100_000)"

        assert last_line(python(code, environment(settings, settings.project))) == "True True"

    def test_the_first_invocation_is_logged_as_a_cold_start(self, settings: Settings) -> None:
        code = """
from app.entry.aws.handler import handler
from tests.support.payloads import http_api
for _ in range(2):
    handler(http_api(("GET", "/health/live", {}, None)), None)
"""
        lines = [orjson.loads(line) for line in python(code, environment(settings, settings.project)).splitlines()]

        assert [line.get("cold_start", False) for line in lines] == [True, False]

    def test_the_handler_imports_no_heavy_packages(self, settings: Settings) -> None:
        code = f"import app.entry.aws.handler, sys; print([name for name in {HEAVY!r} if name in sys.modules])"

        assert last_line(python(code, environment(settings, settings.project))) == "[]"

    def test_routes_are_loaded_by_their_first_request(self, wired: Wired, settings: Settings) -> None:
        key = a_project(wired, settings.project + "-first")
        code = f"""
import sys
from app.entry.aws.handler import handler
from app.api.application import DEFERRED
from tests.support.payloads import http_api
for path in ("/health/live", "/v1/lists/popular", "/v1/items", "/v1/nothing"):
    status = handler(http_api(("GET", path, {{"x-api-key": "{key}"}}, None)), None)["statusCode"]
    print("loaded", status, [name for name in DEFERRED if f"app.api.routes.{{name}}" in sys.modules])
"""
        lines = python(code, environment(settings, settings.project)).splitlines()

        assert [line for line in lines if line.startswith("loaded")] == [
            "loaded 200 []",
            "loaded 200 []",
            "loaded 200 ['items']",
            "loaded 404 ['items']",
        ]

    @pytest.mark.parametrize("name", DEFERRED)
    def test_every_deferred_module_has_only_routes_below_its_prefix(self, name: str) -> None:
        paths = [route.path for route in import_module(f"app.api.routes.{name}").router.routes]

        assert [path for path in paths if not path.startswith(DEFERRED[name])] == []

    def test_the_application_does_not_import_lambda_packages(self) -> None:
        code = "import app.api.application, sys; print([n for n in sys.modules if 'mangum' in n or 'aws_lambda' in n])"

        assert python(code, dict(os.environ)).strip() == "[]"

    @pytest.mark.parametrize(
        "event", [{}, {"Records": [{"eventSource": "aws:sqs"}]}, {"requestContext": {"routeKey": "$connect"}}]
    )
    def test_an_unknown_event_raises(self, settings: Settings, event: dict[str, Any]) -> None:
        code = f"""
from app.entry.aws.handler import handler
try:
    handler({event!r}, None)
except ValueError as error:
    print(error)
"""
        assert "unknown kind of event" in forked(code, environment(settings, settings.project))

    def test_the_handler_does_not_start_without_a_secret(self) -> None:
        values = {name: value for name, value in os.environ.items() if not name.startswith("SERENDIP_")}
        done = subprocess.run(
            [sys.executable, "-c", "import app.entry.aws.handler"],
            env=values,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )

        assert done.returncode
        assert "secret" in done.stderr

    def test_training_without_a_worker_is_answered_with_501(self, key: str, settings: Settings) -> None:
        code = f"""
from app.entry.aws.handler import handler
from tests.support.payloads import http_api
print(handler(http_api(("POST", "/v1/models", {{"x-api-key": "{key}"}}, None)), None)["statusCode"])
"""
        assert last_line(forked(code, environment(settings, settings.project))) == "501"

    def test_a_job_event_runs_the_job(self, wired: Wired, settings: Settings) -> None:
        services = idle_on(settings).services
        services.events.accept(settings.project, two_tastes())
        version = services.train.queue(settings.project).version
        job = services.jobs.create(settings.project, TrainingRequest(version))
        event = {"serendip": "job", "project": settings.project, "job": job.job_id}

        output = forked(
            f"from app.entry.aws.handler import handler; print(handler({event!r}, None))", environment(settings, "x")
        )

        assert last_line(output) == "{'state': 'succeeded'}"
        active = wired.services.rollout.active(settings.project)
        assert active
        assert active.version == version

    def test_another_invocation_resumes_a_job_before_the_time_is_up(self, wired: Wired, settings: Settings) -> None:
        """Each invocation has time for one slice, and completes one even if the time is too short."""
        services = idle_on(settings).services
        job = services.jobs.create(settings.project, ImportRequest("items"))
        lines = b"".join(orjson.dumps({"item_id": f"i{n}"}) + b"\n" for n in range(100))
        services.jobs.objects.write(file_name(settings.project, job, UPLOAD), lines)
        services.jobs.begin(settings.project, job.job_id)
        event = {"serendip": "job", "project": settings.project, "job": job.job_id}
        code = f"""
from types import SimpleNamespace
from app.entry.aws import worker_client
from app.entry.jobs import slices
from app.entry.aws.handler import handler
slices.SLICE_BYTES = len({lines!r}) // 3
handed_over = []
worker_client.invoke = lambda settings, payload: handed_over.append(payload)
event = {event!r}
while event:
    left = iter([59_000])
    answer = handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: next(left)))
    print("slice", answer["state"])
    event = handed_over.pop() if handed_over else None
"""
        output = forked(code, environment(settings, "x") | {"SERENDIP_WORKER_FUNCTION": "worker"}).splitlines()

        states = [line.removeprefix("slice ") for line in output if line.startswith("slice")]
        assert states == ["running"] * (len(states) - 1) + ["succeeded"]
        assert len(states) >= 3
        assert len(wired.services.items.list_page(settings.project, None, None, 200).records) == 100
