"""A stage whose front door is the function's own URL: it works like the HTTP API, and nothing of that is left."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.config import PREFIX, Settings
from infra import stage
from infra.function_url import watching_url, without_gateway
from infra.one_function import merged, watched
from infra.stacks import Failed
from infra.variants import Template, functions, versioned
from tests.support.service_models import Filler
from tests.support.templates import load


def unchanged(template: Template) -> Template:
    return template


Change = Callable[[Template], Template]
STAGES: Mapping[str, Change] = {"one": merged, "three": unchanged}
ALARMS: Mapping[str, Change] = {"one": watched, "three": unchanged}
URL_METRICS = {"UrlRequestCount", "Url4xxCount", "Url5xxCount", "UrlRequestLatency"}
"""https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html"""
DEV = (stage.STAGES / "dev.toml").read_text()
ALIAS = {"Ref": "ApiFunction.Alias"}


def by_url(number: str = "one") -> Template:
    return without_gateway(STAGES[number](load("template")))


def resources(number: str = "one") -> dict[str, Any]:
    made: dict[str, Any] = by_url(number)["Resources"]
    return made


@pytest.mark.parametrize("number", STAGES)
class TestApplication:
    def test_nothing_is_left_of_the_http_api(self, number: str) -> None:
        text = json.dumps([by_url(number), watching_url(ALARMS[number](load("monitoring")))])

        for name in ("Http", "http-api", "AWS/ApiGateway", "Jwt", "HeavyRequests", '"Domain"', "HasDomain", "HasZone"):
            assert name not in text, name

    def test_sockets_and_everything_else_stay_as_they_are(self, number: str) -> None:
        before = STAGES[number](load("template"))["Resources"]
        after = resources(number)

        assert set(after) - set(before) == {"Url", "UrlPermission", "UrlCallPermission"}
        changed = {name for name in set(after) & set(before) if after[name] != before[name]}
        assert changed == {"ApiFunction", "ApiFailuresAlarm"}

    def test_the_function_knows_its_front_and_changes_in_nothing_else(self, number: str) -> None:
        before, after = (functions(made) for made in (STAGES[number](load("template")), by_url(number)))
        (own, *others) = (made["Environment"]["Variables"] for made in after.values())

        assert own.pop(f"{PREFIX}FRONT") == "url"
        assert "front" in Settings.model_fields
        assert after == before
        assert not any(f"{PREFIX}FRONT" in other for other in others)

    def test_only_the_function_with_the_url_gets_another_version(self, number: str) -> None:
        before, after = (functions(versioned(made, {})) for made in (STAGES[number](load("template")), by_url(number)))

        changed = {name for name in after if after[name].get("Description") != before[name].get("Description")}
        assert changed == {"ApiFunction"}


class TestUrl:
    def test_it_calls_the_alias_which_is_made_first(self) -> None:
        made = resources()["Url"]["Properties"]
        (properties,) = (
            filled for name, _, filled in Filler(by_url(), {"SecretName": "/s"}).resources() if name == "Url"
        )

        assert made["TargetFunctionArn"] == {"Fn::GetAtt": ["ApiFunction", "Arn"]}
        assert properties["Qualifier"] == functions(by_url())["ApiFunction"]["AutoPublishAlias"]
        assert '{"Ref": "ApiFunction.Alias"}' in json.dumps(made["Qualifier"])

    def test_lambda_checks_no_credentials_and_answers_no_preflights(self) -> None:
        made = resources()["Url"]["Properties"]

        assert (made["AuthType"], made["InvokeMode"]) == ("NONE", "BUFFERED")
        assert "Cors" not in made

    def test_everyone_has_both_permissions_for_the_url_and_none_for_other_calls(self) -> None:
        """https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html: without the second, a new URL answers 403."""
        permissions = [made["Properties"] for made in resources().values() if made["Type"] == "AWS::Lambda::Permission"]
        public = [permission for permission in permissions if permission["Principal"] == "*"]

        assert public == [
            {
                "FunctionName": ALIAS,
                "Principal": "*",
                "Action": "lambda:InvokeFunctionUrl",
                "FunctionUrlAuthType": "NONE",
            },
            {
                "FunctionName": ALIAS,
                "Principal": "*",
                "Action": "lambda:InvokeFunction",
                "InvokedViaFunctionUrl": True,
            },
        ]

    def test_the_address_has_no_slash_at_the_end(self) -> None:
        (value,) = Filler(by_url(), {}).values([by_url()["Outputs"]["Url"]["Value"]])

        assert re.fullmatch(r"https://[a-z0-9]+\.lambda-url\.eu-west-1\.on\.aws", value)


def metrics(number: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield namespace, name and dimensions of what alarms and the dashboard show of the front."""
    alarms = watching_url(ALARMS[number](load("monitoring")))
    for made in (*alarms["Resources"].values(), *resources(number).values()):
        properties = made.get("Properties", {})
        if properties.get("MetricName", "").startswith("Url"):
            names = [f"{part['Name']}={part['Value']['Fn::Sub']}" for part in properties["Dimensions"]]
            yield properties["Namespace"], properties["MetricName"], names
    for widget in json.loads(alarms["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])["widgets"]:
        for namespace, name, dimension, value, *_more in widget["properties"].get("metrics", ()):
            if name.startswith("Url"):
                yield namespace, name, [f"{dimension}={value}"]


@pytest.mark.parametrize("number", STAGES)
class TestMonitoring:
    def test_alarms_and_the_dashboard_show_the_metrics_of_the_url(self, number: str) -> None:
        shown = list(metrics(number))

        assert {name for _, name, _ in shown} == URL_METRICS
        assert {namespace for namespace, _, _ in shown} == {"AWS/Lambda"}
        assert {dimension for _, _, names in shown for dimension in names} == {"FunctionName=${TablePrefix}api"}

    def test_it_has_as_many_alarms_and_widgets(self, number: str) -> None:
        before = ALARMS[number](load("monitoring"))["Resources"]
        after = watching_url(ALARMS[number](load("monitoring")))["Resources"]

        assert set(after) == set(before)
        assert "function URL" in after["SlowAnswers"]["Properties"]["AlarmDescription"]
        titles = [
            re.findall(r'"title": "([^"]*)"', json.dumps(made["Dashboard"]).replace("\\", ""))
            for made in (before, after)
        ]
        assert [title.replace("HTTP API", "Function URL") for title in titles[0]] == titles[1]


def imports(template: Template) -> set[str]:
    return set(re.findall(r'"Fn::ImportValue": \{"Fn::Sub": "([^"]*)"', json.dumps(template)))


def exports(template: Template) -> set[str]:
    return {made["Export"]["Name"]["Fn::Sub"] for made in template["Outputs"].values() if "Export" in made}


class TestOrder:
    """CloudFormation refuses to import what is not exported, and to stop exporting what is imported."""

    TABLES = exports(load("tables"))

    @pytest.mark.parametrize("after", ["api", "url"])
    @pytest.mark.parametrize("before", [None, "api", "url"])
    def test_a_stage_never_imports_what_there_is_not(self, before: str | None, after: str) -> None:
        made = {
            "api": {"application": load("template"), "monitoring": load("monitoring")},
            "url": {"application": by_url("three"), "monitoring": watching_url(load("monitoring"))},
        }
        deployed, target = {**made[before]} if before else {}, made[after]
        outputs = deployed["application"]["Outputs"] if before else ()

        for name in stage.in_order(target, target["application"], outputs):
            deployed[name] = target[name]
            exported = self.TABLES | (exports(deployed["application"]) if "application" in deployed else set())
            assert {wanted for template in deployed.values() for wanted in imports(template)} <= exported, name

        assert deployed == target

    def test_the_order_matters(self) -> None:
        assert "${TablePrefix}http-api" in imports(load("monitoring"))
        assert "${TablePrefix}http-api" not in exports(by_url())


class TestStages:
    @pytest.mark.parametrize(
        ("text", "has_api"), [('front = "api"', True), ("", True), ('front = "url"', False)], ids=["api", "none", "url"]
    )
    def test_a_stage_has_the_front_that_its_file_names(
        self,
        text: str,
        has_api: bool,  # noqa: FBT001
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        assert 'front = "api"' in DEV
        (tmp_path / "dev.toml").write_text(DEV.replace('front = "api"', text))
        monkeypatch.setattr(stage, "STAGES", tmp_path)

        template = stage.application("dev")

        assert ("HttpApi" in template["Resources"], "Url" in template["Resources"]) == (has_api, not has_api)
        assert ("http-api" in json.dumps(stage.monitoring(template))) == has_api

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"LogDays = 7": 'DomainName = "shop.example"'}, "sets DomainName, which a function URL does not have"),
            ({"LogDays = 7": 'JwtIssuer = "https://id.example"'}, 'sets JwtIssuer, .* or set front = "api"'),
            ({'front = "url"': 'front = "cdn"'}, 'dev.toml says front = "cdn". Use "api" or "url".'),
        ],
        ids=["domain", "authorizer", "front"],
    )
    def test_what_does_not_fit_is_refused(
        self, changes: Mapping[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ((before, after),) = changes.items()
        text = DEV.replace('front = "api"', 'front = "url"')
        assert before in text
        (tmp_path / "dev.toml").write_text(text.replace(before, after))
        monkeypatch.setattr(stage, "STAGES", tmp_path)

        with pytest.raises(Failed, match=message):
            stage.application("dev")

    @pytest.mark.parametrize(
        ("changes", "is_said"),
        [
            ({}, False),
            ({"api": "url"}, True),
            ({"api": "url", "[application]": "[application]\nApiConcurrency = 50"}, False),
        ],
        ids=["gateway", "url", "reserved"],
    )
    def test_requests_without_a_limit_are_said(
        self,
        changes: Mapping[str, str],
        is_said: bool,  # noqa: FBT001
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        text = DEV
        for before, after in changes.items():
            text = text.replace(before, after, 1)
        (tmp_path / "dev.toml").write_text(text)
        monkeypatch.setattr(stage, "STAGES", tmp_path)

        assert ("Set ApiConcurrency" in stage.check_front("dev")) == is_said
