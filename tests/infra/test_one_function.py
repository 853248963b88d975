"""A stage with one function: the function does what three would do, and nothing is left of the two others."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.config import PREFIX, Settings
from app.entry.jobs.worker import SPARE_SECONDS
from app.entry.stream import BATCH_SECONDS
from infra import stage
from infra.function_url import watching_url, without_gateway
from infra.one_function import ALIAS, merged, watched
from infra.packages import EVERYTHING, SERVING, TRAINING
from infra.stacks import Failed
from infra.variants import Template, functions, package_names, restored, shifted, versioned, zipped
from tests.support.templates import load

GATEWAY_SECONDS = 30
"""API Gateway's limit for an integration."""
POLICY_CHARACTERS = 10_240
"""IAM's limit for all inline policies of a role, without white space."""
FILLED = {
    "AWS::Partition": "aws-us-gov",
    "AWS::Region": "ap-southeast-2",
    "AWS::AccountId": "123456789012",
    "TablePrefix": "serendip-a-stage-with-a-name-",
}
NAMING = ("FunctionName", "LogGroupName", "QueueName", "AlarmName", "TopicName", "DashboardName", "RoleName", "Name")
DEV = (stage.STAGES / "dev.toml").read_text()


def one() -> Template:
    return merged(load("template"))


def only(template: Template) -> dict[str, Any]:
    (function,) = functions(template).values()
    return function


class TestFunction:
    def test_nothing_refers_to_the_functions_that_there_are_not(self) -> None:
        text = json.dumps([one(), watched(load("monitoring"))])

        assert set(functions(one())) == {"ApiFunction"}
        for name in ("StreamFunction", "WorkerFunction", "StreamLogs", "WorkerLogs", "StreamConcurrency"):
            assert f'"{name}' not in text
        assert not re.search(r"\$\{TablePrefix\}(stream|worker)\b(?!-)", text)

    def test_it_has_the_variables_of_all(self) -> None:
        apart = functions(load("template")).values()
        variables = {name for function in apart for name in function["Environment"]["Variables"]}
        together = only(one())["Environment"]["Variables"]

        assert variables == set(together)
        assert {name.removeprefix(PREFIX).lower() for name in together} <= set(Settings.model_fields)

    def test_jobs_get_the_time_that_the_worker_has_and_requests_end_before_the_gateway_gives_up(self) -> None:
        timeout = only(one())["Timeout"]
        integration = one()["Resources"]["HttpIntegration"]["Properties"]["TimeoutInMillis"] / 1_000

        assert timeout == functions(load("template"))["WorkerFunction"]["Timeout"] > 2 * SPARE_SECONDS > BATCH_SECONDS
        assert Settings.model_fields["request_deadline_seconds"].default < integration < GATEWAY_SECONDS

    def test_it_invokes_its_own_alias_which_failed_calls_of_jobs_belong_to(self) -> None:
        """By name: a function that refers to itself is a circle, which CloudFormation refuses."""
        function = only(one())
        name, alias = ALIAS.split(":")

        assert function["Environment"]["Variables"]["SERENDIP_WORKER_FUNCTION"] == {"Fn::Sub": ALIAS}
        assert function["FunctionName"] == {"Fn::Sub": name}
        assert function["AutoPublishAlias"] == alias
        assert "ApiFunction" not in json.dumps(function)
        apart = functions(load("template"))["WorkerFunction"]
        for part in ("EventInvokeConfig", "RecursiveLoop"):
            assert function[part] == apart[part]

    def test_it_reads_the_stream_and_is_called_by_the_schedule(self) -> None:
        mapping = one()["Resources"]["EventsStream"]["Properties"]
        (event,) = only(one())["Events"].values()
        (before,) = functions(load("template"))["StreamFunction"]["Events"].values()

        assert mapping["FunctionName"] == {"Ref": "ApiFunction.Alias"}
        apart = load("template")["Resources"]["EventsStream"]["Properties"]
        assert {**mapping, "FunctionName": 0} == {**apart, "FunctionName": 0}
        assert {**event["Properties"], "Name": 0} == {**before["Properties"], "Name": 0}

    def test_it_is_one_package(self) -> None:
        packed = zipped(one(), {EVERYTHING: {"Bucket": "b", "Key": "e"}}, "3.13")

        assert package_names(one()) == {"ApiFunction": EVERYTHING}
        assert set(package_names(load("template")).values()) == {SERVING, TRAINING}
        assert only(packed)["CodeUri"] == {"Bucket": "b", "Key": "e"}

    def test_it_can_start_from_a_snapshot_and_shift_traffic(self) -> None:
        function = only(restored(shifted(one(), "Canary10Percent5Minutes")))
        at_once = shifted(one(), "AllAtOnce")

        assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
        assert function["DeploymentPreference"]["Type"] == "Canary10Percent5Minutes"
        assert "ShiftRole" not in json.dumps(at_once)

    @pytest.mark.parametrize(
        ("name", "value"), [("ApiMemory", 2_048), ("TrainingSubnets", "subnet-1"), ("LogDays", 90)]
    )
    def test_a_parameter_of_the_function_is_another_version(self, name: str, value: object) -> None:
        before, after = (only(versioned(one(), parameters)) for parameters in ({}, {name: value}))

        assert (before["Description"] != after["Description"]) == (name == "ApiMemory" or name.startswith("Training"))


class TestRoles:
    @pytest.mark.parametrize("template", [one(), load("template")], ids=["one", "three"])
    def test_policies_fit_into_a_role(self, template: Template) -> None:
        for name, function in functions(template).items():
            text = json.dumps(function["Policies"], separators=(",", ":"))
            for key, value in FILLED.items():
                text = text.replace(f"${{{key}}}", value)
            text = re.sub(r'\{"Fn::Sub":("[^"]*")\}', r"\1", text)

            assert len(text) < POLICY_CHARACTERS, name


def physical_names(template: Template) -> Iterator[tuple[str, str, str]]:
    """Yields the type, name and logical id of each resource with a fixed name, those that SAM makes included."""
    for key, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        for part in NAMING:
            if "Fn::Sub" in properties.get(part, ()):
                yield resource["Type"], properties[part]["Fn::Sub"], key
        for event, made in properties.get("Events", {}).items():
            yield made["Type"], made["Properties"]["Name"]["Fn::Sub"], key + event


def moved(before: Template, after: Template) -> list[str]:
    """Returns names that another resource has afterwards.

    CloudFormation creates new resources before it deletes old ones, so such an update fails: the name exists.
    """
    owners = {(kind, name): key for kind, name, key in physical_names(before)}
    return [name for kind, name, key in physical_names(after) if owners.get((kind, name), key) != key]


class TestSwitch:
    """From three functions to one or to another front, and back, on a stage that exists."""

    @pytest.mark.parametrize(
        ("name", "change"),
        [("template", merged), ("monitoring", watched), ("template", without_gateway), ("monitoring", watching_url)],
    )
    def test_no_name_moves_to_another_resource(self, name: str, change: Callable[[Template], Template]) -> None:
        assert moved(load(name), change(load(name))) == []
        assert moved(change(load(name)), load(name)) == []

    def test_a_name_that_moves_is_found(self) -> None:
        template = one()
        only(template)["Events"]["OverdueLists"]["Properties"]["Name"] = {"Fn::Sub": "${TablePrefix}lists"}

        assert moved(load("template"), template) == ["${TablePrefix}lists"]

    def test_what_is_exported_to_other_stacks_stays(self) -> None:
        assert one()["Outputs"] == load("template")["Outputs"]


class TestMonitoring:
    def test_each_metric_of_a_function_has_one_alarm(self) -> None:
        resources = one()["Resources"] | watched(load("monitoring"))["Resources"]
        alarms = [made["Properties"] for made in resources.values() if made["Type"] == "AWS::CloudWatch::Alarm"]

        watching = sorted(alarm["MetricName"] for alarm in alarms if alarm.get("Namespace") == "AWS/Lambda")
        assert watching == ["Errors", "IteratorAge", "Throttles"]

    def test_the_dashboard_shows_each_metric_once(self) -> None:
        body = dashboard(watched(load("monitoring")))
        before = dashboard(load("monitoring"))
        shown = [json.dumps(metric) for widget in body for metric in widget["properties"].get("metrics", ())]

        assert len(shown) == len(set(shown))
        assert [widget["properties"]["title"] for widget in body] == [
            widget["properties"]["title"] for widget in before
        ]
        assert any("IteratorAge" in metric and "${TablePrefix}api" in metric for metric in shown)


def dashboard(template: Template) -> list[dict[str, Any]]:
    text, _ = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets: list[dict[str, Any]] = json.loads(text)["widgets"]
    return widgets


class TestStages:
    @pytest.mark.parametrize(
        ("text", "number"),
        [('functions = "one"', 1), ("", 1), ('functions = "three"', 3)],
        ids=["one", "none", "three"],
    )
    def test_a_stage_has_as_many_functions_as_its_file_says(
        self, text: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert 'functions = "one"' in DEV
        (tmp_path / "dev.toml").write_text(DEV.replace('functions = "one"', text))
        monkeypatch.setattr(stage, "STAGES", tmp_path)

        assert len(functions(stage.application("dev"))) == number

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({'"one"': '"two"'}, 'dev.toml says functions = "two". Use "one" or "three".'),
            (
                {"LogDays = 7": "WorkerMemory = 4096"},
                'sets WorkerMemory, which a stage with one function does not have. .* or set functions = "three"',
            ),
            ({"LogDays = 7": "LogDay = 7"}, "dev.toml sets LogDay, which the application does not have."),
        ],
        ids=["number", "parameter", "typo"],
    )
    def test_what_does_not_fit_is_refused(
        self, changes: Mapping[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ((before, after),) = changes.items()
        assert before in DEV
        (tmp_path / "dev.toml").write_text(DEV.replace(before, after))
        monkeypatch.setattr(stage, "STAGES", tmp_path)

        with pytest.raises(Failed, match=message):
            stage.application("dev")
