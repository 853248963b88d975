"""Secrets come from SSM once, when an instance starts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from app.config import Settings
from app.entry.aws import parameters
from tests.support.http_servers import Responder, served_by

SECRET = {"SERENDIP_SECRET_PARAMETER": "/serendip/dev/secret"}
OTHER = {"SERENDIP_SECRET_PARAMETER": "/serendip/prod/secret"}
THROTTLED = (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
MISSING = (400, {"__type": "ParameterNotFound", "message": ""})
DENIED = (400, {"__type": "AccessDeniedException", "message": "is not authorized"})


@dataclass
class Ssm:
    values: dict[str, str]
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    calls: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    endpoint: str = ""

    def environment(self, **variables: str) -> dict[str, str]:
        return {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": self.endpoint, **variables}


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ssm]:
    ssm = Ssm({"/serendip/dev/secret": "s" * 40, "/serendip/dev/headers": "api-key=a b"})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")

    class Handler(Responder):
        def do_POST(self) -> None:
            request = orjson.loads(self.body())
            ssm.calls.append((dict(self.headers), request))
            if ssm.refusals:
                status, answer = ssm.refusals.pop(0)
                self.respond(status, orjson.dumps(answer))
                return
            value = ssm.values.get(request["Name"])
            if value is None:
                self.respond(MISSING[0], orjson.dumps(MISSING[1]))
            else:
                self.respond(200, orjson.dumps({"Parameter": {"Value": value}}))

    with served_by(Handler) as ssm.endpoint:
        yield ssm


class TestResolved:
    def test_signed_calls_read_the_named_parameters(self, ssm: Ssm) -> None:
        names = {**SECRET, "SERENDIP_OTLP_HEADERS_PARAMETER": "/serendip/dev/headers"}
        environment = ssm.environment(**names, SERENDIP_TABLE_PREFIX="serendip-dev-")

        settings = Settings.from_environment(parameters.resolved(environment))

        assert settings.secret.get_secret_value() == "s" * 40
        assert settings.otlp_headers
        assert settings.otlp_headers.get_secret_value() == "api-key=a b"
        assert settings.table_prefix == "serendip-dev-"
        assert [request for _, request in ssm.calls] == [
            {"Name": "/serendip/dev/secret", "WithDecryption": True},
            {"Name": "/serendip/dev/headers", "WithDecryption": True},
        ]
        assert all("/eu-west-1/ssm/aws4_request" in headers["Authorization"] for headers, _ in ssm.calls)

    def test_without_parameters_ssm_is_not_called(self, ssm: Ssm) -> None:
        environment = ssm.environment(SERENDIP_SECRET="x" * 32)

        assert parameters.resolved(environment) == environment
        assert ssm.calls == []

    def test_throttled_and_failed_calls_are_repeated(self, ssm: Ssm) -> None:
        ssm.refusals = [THROTTLED, (500, {"message": "internal"})]

        environment = parameters.resolved(ssm.environment(**SECRET))

        assert environment["SERENDIP_SECRET"] == "s" * 40
        assert len(ssm.calls) == 3

    def test_a_refused_call_is_not_repeated_and_says_why(self, ssm: Ssm) -> None:
        ssm.refusals = [DENIED]

        with pytest.raises(LookupError, match=r"/serendip/dev/secret: .*is not authorized"):
            parameters.resolved(ssm.environment(**SECRET))
        assert len(ssm.calls) == 1

    def test_a_missing_parameter_is_named(self, ssm: Ssm) -> None:
        with pytest.raises(LookupError, match=r"/serendip/prod/secret: .*ParameterNotFound"):
            parameters.resolved(ssm.environment(**OTHER))
