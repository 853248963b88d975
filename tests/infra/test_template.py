"""The templates say what the models, the settings, the metrics and the OpenAPI document say."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pynamodb.models import Model

from app import prices, telemetry
from app.api import application
from app.config import PREFIX, Settings
from app.entry.aws import task_client
from app.entry.cli import gateway_document
from app.entry.cli.operations import cost_model
from app.entry.jobs import task
from app.entry.stream import BATCH_SECONDS
from app.storage.admin.schema import LASTING, MODELS
from app.storage.database import plain_name
from infra import deploy
from infra.stacks import Template, functions, load, restored, shifted, zipped
from tests.support.datasets import ROOT

STACKS = ("tables", "template", "training", "monitoring", "bootstrap")
AWS_METRICS = {
    "AWS/ApiGateway": ({"Count", "4xx", "5xx", "Latency", "IntegrationLatency"}, {"ApiId"}),
    "AWS/Lambda": ({"Errors", "Throttles", "Duration", "Invocations", "IteratorAge"}, {"FunctionName", "Resource"}),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible"}, {"QueueName"}),
    "AWS/DynamoDB": ({"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "WriteThrottleEvents"}, {"TableName"}),
}
"""What AWS documents for HTTP APIs, functions, queues and tables, as far as it is used."""
STAGE_FILES = sorted((ROOT / "infra" / "stages").glob("*.toml"))
LOGGED = {*telemetry.METRICS, "route"}


@cache
def stack(name: str) -> Template:
    return load(name)


def of_type(name: str, kind: str) -> dict[str, dict[str, Any]]:
    return {key: one["Properties"] for key, one in stack(name)["Resources"].items() if one["Type"] == kind}


def keys(schema: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return sorted((key["AttributeName"], key["KeyType"]) for key in schema)


def table_of(model: type[Model]) -> dict[str, Any]:
    resource: dict[str, Any] = stack("tables")["Resources"][plain_name(model).title() + "Table"]
    return resource


def shape_of_model(model: type[Model]) -> dict[str, Any]:
    """Name, keys, indexes, expiry and stream as the model wants them."""
    schema = model._get_schema()  # noqa: SLF001 - PynamoDB's own description of a table
    expiry = model._ttl_attribute()  # type: ignore[no-untyped-call]  # noqa: SLF001
    indexes = schema["global_secondary_indexes"]
    return {
        "name": {"Fn::Sub": "${TablePrefix}" + plain_name(model)},
        "keys": keys(schema["key_schema"]),
        "indexes": {one["index_name"]: (keys(one["key_schema"]), one["projection"]) for one in indexes},
        "expiry": expiry.attr_name if expiry else None,
        "stream": getattr(model.Meta, "stream_view_type", None),
    }


def shape_of_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """The same as the template makes them."""
    indexes = table.get("GlobalSecondaryIndexes", ())
    return {
        "name": table["TableName"],
        "keys": keys(table["KeySchema"]),
        "indexes": {one["IndexName"]: (keys(one["KeySchema"]), one["Projection"]) for one in indexes},
        "expiry": table.get("TimeToLiveSpecification", {}).get("AttributeName"),
        "stream": table.get("StreamSpecification", {}).get("StreamViewType"),
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
class TestTables:
    def test_keys_indexes_expiry_and_stream_agree(self, model: type[Model]) -> None:
        assert shape_of_table(table_of(model)["Properties"]) == shape_of_model(model)

    def test_other_keys_and_a_missing_expiry_are_found(self, model: type[Model]) -> None:
        table = table_of(model)["Properties"]
        other = {**table, "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
        without = {key: value for key, value in table.items() if key != "TimeToLiveSpecification"}

        assert shape_of_table(other) != shape_of_model(model)
        assert (shape_of_table(without) == shape_of_model(model)) == ("TimeToLiveSpecification" not in table)

    def test_it_costs_by_use_and_at_most_what_is_allowed(self, model: type[Model]) -> None:
        table = table_of(model)["Properties"]

        assert table["BillingMode"] == "PAY_PER_REQUEST"
        cap = {"MaxReadRequestUnits": {"Ref": "MostReadUnits"}, "MaxWriteRequestUnits": {"Ref": "MostWriteUnits"}}
        assert all(one["OnDemandThroughput"] == cap for one in [table, *table.get("GlobalSecondaryIndexes", ())])

    def test_what_cannot_be_made_anew_is_kept_and_backed_up(self, model: type[Model]) -> None:
        resource = table_of(model)
        table, lasts = resource["Properties"], model in LASTING

        assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == ("Retain" if lasts else "Delete")
        assert ("PointInTimeRecoverySpecification" in table) == lasts
        assert ("DeletionProtectionEnabled" in table) == lasts


class TestFunctions:
    def test_every_variable_is_a_setting(self) -> None:
        common = stack("template")["Globals"]["Function"]["Environment"]["Variables"]
        for name, function in functions(stack("template")).items():
            given = {**common, **function.get("Environment", {}).get("Variables", {})}
            known = {PREFIX + field.upper() for field in Settings.model_fields}
            assert set(given) <= known, name
            assert {PREFIX + field.upper() for field, one in Settings.model_fields.items() if one.is_required()} <= set(
                given
            ), name

    def test_who_starts_trainings_and_answers_sockets_knows_where(self) -> None:
        needed = {"SERENDIP_WORKER_FUNCTION", "SERENDIP_SOCKET_ENDPOINT"}
        for name in ("ApiFunction", "StreamFunction"):
            assert needed <= set(functions(stack("template"))[name]["Environment"]["Variables"])

    def test_a_function_outlasts_what_it_does(self) -> None:
        made = functions(stack("template"))
        settings = Settings.model_fields

        assert made["ApiFunction"]["Timeout"] > settings["request_deadline_seconds"].default
        (integration,) = (
            one
            for one in of_type("template", "AWS::ApiGatewayV2::Integration").values()
            if one["IntegrationUri"] == {"Ref": "ApiFunction.Alias"}
        )
        assert integration["TimeoutInMillis"] > 1_000 * made["ApiFunction"]["Timeout"]
        assert made["StreamFunction"]["Timeout"] > BATCH_SECONDS

    def test_batches_are_halved_bounded_and_not_lost_in_silence(self) -> None:
        mapping = functions(stack("template"))["StreamFunction"]["Events"]["EventsStream"]["Properties"]

        assert mapping["BisectBatchOnFunctionError"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 0 < mapping["MaximumRetryAttempts"] <= 10_000
        assert mapping["MaximumRecordAgeInSeconds"] < 24 * 3_600
        assert mapping["DestinationConfig"]["OnFailure"]["Type"] == "SQS"

    def test_the_zip_flavour_differs_only_in_where_the_code_is(self) -> None:
        images, zips = functions(load("template")), functions(zipped(load("template"), "b", "s", "t", "3.13"))

        for name, function in images.items():
            code = {"PackageType", "ImageUri"}
            packed = {key: value for key, value in zips[name].items() if key not in {"Runtime", "Handler", "CodeUri"}}
            assert packed == {key: value for key, value in function.items() if key not in code}
            assert zips[name]["CodeUri"] == {"Bucket": "b", "Key": "t" if name == "WorkerFunction" else "s"}

    def test_snapshots_are_taken_of_the_functions_that_answer(self) -> None:
        made = functions(restored(load("template")))

        assert {name for name, one in made.items() if "SnapStart" in one} == {"ApiFunction", "StreamFunction"}

    def test_traffic_shifts_as_a_stage_says(self) -> None:
        gradual = functions(shifted(load("template"), "Linear10PercentEvery1Minute"))["ApiFunction"]
        at_once = functions(shifted(load("template"), "AllAtOnce"))["ApiFunction"]

        assert gradual["DeploymentPreference"]["Type"] == "Linear10PercentEvery1Minute"
        alarms = [one["Ref"] for one in gradual["DeploymentPreference"]["Alarms"]]
        assert set(alarms) == set(of_type("template", "AWS::CloudWatch::Alarm"))
        assert "DeploymentPreference" not in at_once

    def test_the_forecast_of_costs_knows_the_schedule_and_the_memory(self) -> None:
        made = functions(stack("template"))
        schedule = made["StreamFunction"]["Events"]["ListsThatWerePutOff"]["Properties"]["ScheduleExpression"]

        assert schedule == f"rate({cost_model.TICK_SECONDS // 60} minutes)"
        assert stack("template")["Parameters"]["ApiMemory"]["Default"] == 1_024 * prices.API_MEMORY_GB


class TestTasks:
    def test_the_worker_knows_how_to_start_them(self) -> None:
        variables = functions(stack("template"))["WorkerFunction"]["Environment"]["Variables"]
        text, given = variables["SERENDIP_TRAINING_TASK"]["Fn::If"][1]["Fn::Sub"]
        groups = given["Groups"]["Fn::If"][1]["Fn::Sub"][0].replace("${Names}", "sg-1")
        text = text.replace("${TablePrefix}", "serendip-").replace("${Subnets}", 'a", "b').replace("${Groups}", groups)
        task = Settings(secret="x" * 32, training_task=text).training_task

        assert task
        assert (task.subnets, task.security_groups) == (("a", "b"), ("sg-1",))
        (made,) = of_type("training", "AWS::ECS::TaskDefinition").values()
        (cluster,) = of_type("training", "AWS::ECS::Cluster").values()
        assert made["Family"]["Fn::Sub"].replace("${TablePrefix}", "serendip-") == task.task_definition
        assert cluster["ClusterName"]["Fn::Sub"].replace("${TablePrefix}", "serendip-") == task.cluster

    def test_their_container_runs_what_there_is_with_settings_that_there_are(self) -> None:
        (made,) = of_type("training", "AWS::ECS::TaskDefinition").values()
        (container,) = made["ContainerDefinitions"]
        known = {PREFIX + field.upper() for field in Settings.model_fields}

        assert container["Name"] == task_client.CONTAINER
        assert container["EntryPoint"] == ["python", "-m", task.__name__]
        assert {one["Name"] for one in container["Environment"] + container["Secrets"]} <= known

    def test_the_worker_may_give_them_their_roles(self) -> None:
        roles = {one["RoleName"]["Fn::Sub"] for one in of_type("training", "AWS::IAM::Role").values()}
        text = json.dumps(functions(stack("template"))["WorkerFunction"]["Policies"])

        assert ":role/${TablePrefix}training-*" in text
        assert all(role.startswith("${TablePrefix}training-") for role in roles)


class TestApis:
    def test_routes_by_name_are_operations(self) -> None:
        document = gateway_document.plain()
        known = {f"{method.upper()} {path}" for path, one in document["paths"].items() for method in one}
        routes = [
            one["RouteKey"]
            for one in of_type("template", "AWS::ApiGatewayV2::Route").values()
            if one["ApiId"] == {"Ref": "HttpApi"}
        ]

        assert set(routes) - known == {"$default"}
        stage = stack("template")["Resources"]["HttpStage"]
        assert set(stage["Properties"]["RouteSettings"]) == set(routes) - {"$default"}
        named = {key: one["RouteKey"] for key, one in of_type("template", "AWS::ApiGatewayV2::Route").items()}
        assert {named[one] for one in stage["DependsOn"]} == set(routes)

    def test_browsers_may_send_and_read_what_the_application_lets_them(self) -> None:
        (_, given, _) = stack("template")["Resources"]["HttpApi"]["Properties"]["CorsConfiguration"]["Fn::If"]

        assert tuple(given["AllowMethods"]) == application.ALLOWED_METHODS
        assert tuple(given["AllowHeaders"]) == application.ALLOWED_HEADERS
        assert tuple(given["ExposeHeaders"]) == application.EXPOSED_HEADERS

    def test_the_stage_of_sockets_is_the_one_that_functions_answer_through(self) -> None:
        stage = stack("template")["Resources"]["SocketStage"]["Properties"]["StageName"]
        for name in ("ApiFunction", "StreamFunction"):
            endpoint = functions(stack("template"))[name]["Environment"]["Variables"]["SERENDIP_SOCKET_ENDPOINT"]
            assert endpoint["Fn::Sub"].endswith(f"/{stage}")


def alarms() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in STACKS:
        yield from of_type(name, "AWS::CloudWatch::Alarm").items()


def unknown_metrics(alarm: Mapping[str, Any]) -> list[str]:
    """What an alarm watches that nobody writes."""
    namespace, metric = alarm["Namespace"], alarm["MetricName"]
    dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions", ())}
    if namespace == telemetry.NAMESPACE:
        return ([] if metric in telemetry.METRICS else [metric]) + sorted(set(dimensions) - {"route"})
    metrics, allowed = AWS_METRICS[namespace]
    return ([] if metric in metrics else [metric]) + sorted(set(dimensions) - allowed)


class TestMonitoring:
    @pytest.mark.parametrize(("name", "alarm"), list(alarms()), ids=lambda one: one if isinstance(one, str) else "")
    def test_alarms_watch_what_is_written(self, name: str, alarm: dict[str, Any]) -> None:
        assert unknown_metrics(alarm) == [], name

    def test_a_metric_that_nobody_writes_is_found(self) -> None:
        alarm = stack("monitoring")["Resources"]["ServerErrors"]["Properties"]

        assert unknown_metrics(alarm | {"MetricName": "server_mistakes"}) == ["server_mistakes"]
        assert unknown_metrics(alarm | {"Namespace": "AWS/Lambda", "MetricName": "Mistakes"}) == ["Mistakes"]

    def test_the_dashboard_shows_what_is_written(self) -> None:
        body, _ = stack("monitoring")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        widgets = [widget["properties"] for widget in json.loads(body)["widgets"]]
        metrics = [metric for widget in widgets for metric in widget.get("metrics", ())]
        queries = [widget["query"] for widget in widgets if "query" in widget]

        assert len(widgets) == 8
        for namespace, metric, dimension, *_ in metrics:
            assert metric in AWS_METRICS[namespace][0]
            assert dimension in AWS_METRICS[namespace][1]
        for query in queries:
            asked = set(re.findall(r"(?:sum|pct|ispresent)\((\w+)", query)) | set(
                re.findall(r"by (\w+)(?!\w*\()", query)
            )
            assert asked <= LOGGED

    def test_names_of_functions_and_tables_exist(self) -> None:
        text = json.dumps([stack("monitoring"), stack("template")["Resources"]])
        named = set(re.findall(r"\$\{TablePrefix\}([a-z0-9-]+)", text))
        made = {plain_name(model) for model in MODELS} | {"api", "stream", "worker", "training", "training-"}
        exported = {
            one["Export"]["Name"]["Fn::Sub"].removeprefix("${TablePrefix}")
            for name in STACKS
            for one in stack(name).get("Outputs", {}).values()
            if "Export" in one
        }
        own = {"http", "sockets", "lists", "access", "alarms", "overview"}
        own |= {one["AlarmName"]["Fn::Sub"].removeprefix("${TablePrefix}") for _, one in alarms()}

        assert named <= made | exported | own


@pytest.mark.parametrize("path", STAGE_FILES, ids=lambda path: path.stem)
class TestStages:
    def test_it_sets_what_can_be_set(self, path: Path) -> None:
        settings = tomllib.loads(path.read_text())
        templates = {
            "tables": "tables",
            "application": "template",
            "training": "training",
            "monitoring": "monitoring",
        }

        assert set(settings) <= {"shift", "snapstart", *templates}
        for part, name in templates.items():
            known = {*stack(name)["Parameters"], *(deploy.NETWORK if part == "training" else ())}
            assert set(settings.get(part, {})) <= known
