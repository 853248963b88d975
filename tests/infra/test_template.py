"""The templates agree with the models, settings, metrics and OpenAPI document."""

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
from app.config import PREFIX, Settings
from app.entry.aws import parameters, task_client
from app.entry.cli.operations import cost_model, gateway_document, replay
from app.entry.jobs import task
from app.entry.stream import BATCH_SECONDS
from app.storage import packed_events
from app.storage.admin.schema import LASTING, MODELS
from app.storage.database import plain_name
from app.storage.event_rows import VERDICTS
from app.storage.objects import project_folder
from app.storage.pynamo import schema_of, ttl_attribute
from infra.stage import BOOTSTRAP, NETWORK
from infra.variants import Template, functions, restored, shifted, versioned, zipped
from tests.support.datasets import ROOT
from tests.support.templates import load

STACKS = ("tables", "template", "training", "monitoring", "bootstrap", "ci")
AWS_METRICS = {
    "AWS/ApiGateway": ({"Count", "4xx", "5xx", "Latency", "IntegrationLatency"}, {"ApiId"}),
    "AWS/Lambda": ({"Errors", "Throttles", "Duration", "Invocations", "IteratorAge"}, {"FunctionName", "Resource"}),
    "AWS/SQS": ({"ApproximateNumberOfMessagesVisible"}, {"QueueName"}),
    "AWS/DynamoDB": (
        {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "WriteThrottleEvents", "ReadThrottleEvents"},
        {"TableName"},
    ),
}
"""AWS's documented metrics of HTTP APIs, functions, queues and tables that alarms may use."""
PACKED = {"serving": {"Bucket": "b", "Key": "s"}, "training": {"Bucket": "b", "Key": "t"}}
STAGE_FILES = sorted((ROOT / "infra" / "stages").glob("*.toml"))
LOGGED = {*telemetry.METRICS, "route"}


@cache
def stack(name: str) -> Template:
    return load(name)


def of_type(name: str, kind: str) -> dict[str, dict[str, Any]]:
    return {
        key: resource["Properties"] for key, resource in stack(name)["Resources"].items() if resource["Type"] == kind
    }


def keys(schema: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return sorted((key["AttributeName"], key["KeyType"]) for key in schema)


def table_of(model: type[Model]) -> dict[str, Any]:
    resource: dict[str, Any] = stack("tables")["Resources"][plain_name(model).title() + "Table"]
    return resource


def shape_of_model(model: type[Model]) -> dict[str, Any]:
    """Return name, keys, indexes, TTL and stream of a model."""
    schema = schema_of(model)
    expiry = ttl_attribute(model)
    indexes = schema["global_secondary_indexes"]
    return {
        "name": {"Fn::Sub": "${TablePrefix}" + plain_name(model)},
        "keys": keys(schema["key_schema"]),
        "indexes": {index["index_name"]: (keys(index["key_schema"]), index["projection"]) for index in indexes},
        "expiry": expiry,
        "stream": getattr(model.Meta, "stream_view_type", None),
    }


def shape_of_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same facts from the template."""
    indexes = table.get("GlobalSecondaryIndexes", ())
    return {
        "name": table["TableName"],
        "keys": keys(table["KeySchema"]),
        "indexes": {index["IndexName"]: (keys(index["KeySchema"]), index["Projection"]) for index in indexes},
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

    def test_each_table_is_billed_by_use_up_to_its_cap(self, model: type[Model]) -> None:
        table = table_of(model)["Properties"]

        assert table["BillingMode"] == "PAY_PER_REQUEST"
        cap = {"MaxReadRequestUnits": {"Ref": "MostReadUnits"}, "MaxWriteRequestUnits": {"Ref": "MostWriteUnits"}}
        assert all(capped["OnDemandThroughput"] == cap for capped in [table, *table.get("GlobalSecondaryIndexes", ())])

    def test_tables_that_cannot_be_rebuilt_are_retained_and_backed_up(self, model: type[Model]) -> None:
        resource = table_of(model)
        table, lasts = resource["Properties"], model in LASTING

        policies = ("RetainExceptOnCreate", "Retain") if lasts else ("Delete", "Delete")
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == policies
        assert ("PointInTimeRecoverySpecification" in table) == lasts
        assert ("DeletionProtectionEnabled" in table) == lasts


class TestFunctions:
    def test_every_variable_is_a_setting(self) -> None:
        common = stack("template")["Globals"]["Function"]["Environment"]["Variables"]
        for name, function in functions(stack("template")).items():
            said = {**common, **function.get("Environment", {}).get("Variables", {})}
            variables = {variable.removesuffix(parameters.SUFFIX) for variable in said}
            allowed = {PREFIX + field.upper() for field in Settings.model_fields}
            assert variables <= allowed, name
            assert {
                PREFIX + field.upper()
                for field, field_info in Settings.model_fields.items()
                if field_info.is_required()
            } <= variables, name

    @pytest.mark.parametrize(
        ("days", "is_allowed"), [("", True), *((str(n), n >= 37) for n in (0, 9, 30, 36, 37, 40, 99, 100, 3650))]
    )
    def test_the_days_of_events_that_may_be_deployed_are_valid(self, days: str, is_allowed: bool) -> None:  # noqa: FBT001
        """An invalid setting would keep every function from starting."""
        pattern = stack("template")["Parameters"]["EventDays"]["AllowedPattern"]
        values = {"SERENDIP_SECRET": "x" * 32} | ({"SERENDIP_EVENT_DAYS": days} if days else {})

        assert bool(re.fullmatch(pattern, days)) == is_allowed
        if is_allowed:
            assert Settings.from_environment(values).event_days == (int(days) if days else None)
        else:
            with pytest.raises(ValueError, match="at least 37"):
                Settings.from_environment(values)

    def test_no_secret_is_a_plain_variable(self) -> None:
        fields = Settings.model_fields.items()
        secrets = {PREFIX + field.upper() for field, info in fields if "SecretStr" in str(info.annotation)}
        variables = set(stack("template")["Globals"]["Function"]["Environment"]["Variables"])
        variables |= {
            name for made in functions(stack("template")).values() for name in made["Environment"]["Variables"]
        }

        assert secrets
        assert variables & secrets == set()
        assert {name + parameters.SUFFIX for name in secrets} <= variables

    def test_functions_get_the_addresses_of_the_worker_and_the_socket_gateway(self) -> None:
        needed = {"SERENDIP_WORKER_FUNCTION", "SERENDIP_SOCKET_ENDPOINT"}
        for name in ("ApiFunction", "StreamFunction"):
            assert needed <= set(functions(stack("template"))[name]["Environment"]["Variables"])

    def test_the_function_that_begins_trainings_knows_how_many_may_run(self) -> None:
        """The stream and the schedule call it."""
        variables = {name: made["Environment"]["Variables"] for name, made in functions(stack("template")).items()}

        assert {name for name, values in variables.items() if f"{PREFIX}MOST_TRAININGS" in values} == {"StreamFunction"}
        default = stack("template")["Parameters"]["MostTrainings"]["Default"]
        assert default == Settings.model_fields["most_trainings"].default

    def test_function_timeouts_exceed_their_work(self) -> None:
        made = functions(stack("template"))
        settings = Settings.model_fields

        assert made["ApiFunction"]["Timeout"] > settings["request_deadline_seconds"].default
        (integration,) = (
            integration
            for integration in of_type("template", "AWS::ApiGatewayV2::Integration").values()
            if integration["IntegrationUri"] == {"Ref": "ApiFunction.Alias"}
        )
        assert integration["TimeoutInMillis"] > 1_000 * made["ApiFunction"]["Timeout"]
        assert made["StreamFunction"]["Timeout"] > BATCH_SECONDS

    def test_failed_batches_are_split_retried_and_reported(self) -> None:
        mapping = stack("template")["Resources"]["EventsStream"]["Properties"]

        assert mapping["BisectBatchOnFunctionError"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 0 < mapping["MaximumRetryAttempts"] <= 10_000
        assert mapping["MaximumRecordAgeInSeconds"] < 24 * 3_600
        assert mapping["ParallelizationFactor"] == {"Ref": "StreamParallelization"}
        assert mapping["MaximumBatchingWindowInSeconds"] == {"Ref": "StreamWindowSeconds"}
        assert mapping["DestinationConfig"]["OnFailure"] == {"Destination": {"Fn::GetAtt": ["LostBatches", "Arn"]}}

    def test_the_zip_flavour_differs_only_in_where_the_code_is(self) -> None:
        images, zips = functions(load("template")), functions(zipped(load("template"), PACKED, "3.13"))

        for name, function in images.items():
            code = {"PackageType", "ImageUri"}
            packed = {key: value for key, value in zips[name].items() if key not in {"Runtime", "Handler", "CodeUri"}}
            assert packed == {key: value for key, value in function.items() if key not in code}
            assert zips[name]["CodeUri"] == {"Bucket": "b", "Key": "t" if name == "WorkerFunction" else "s"}

    def test_the_queue_of_lost_batches_is_the_one_that_is_replayed(self) -> None:
        queue = stack("template")["Resources"]["LostBatches"]["Properties"]

        assert queue["QueueName"] == {"Fn::Sub": "${TablePrefix}" + replay.QUEUE}

    def test_the_stream_function_is_not_invoked_for_verdicts_that_it_writes(self) -> None:
        (entry,) = stack("template")["Resources"]["EventsStream"]["Properties"]["FilterCriteria"]["Filters"]

        assert json.loads(entry["Pattern"]) == {"dynamodb": {"Keys": {"moment": {"S": [{"anything-but": [VERDICTS]}]}}}}

    def test_snapstart_covers_only_the_api_and_keeps_no_old_versions(self) -> None:
        """AWS charges for the snapshot of every version that exists; no client waits for a start of the others."""
        made = functions(restored(load("template")))

        assert {name for name, function in made.items() if "SnapStart" in function} == {"ApiFunction"}
        assert made["ApiFunction"]["VersionDeletionPolicy"] == "Delete"

    def test_traffic_shifts_as_a_stage_says(self) -> None:
        gradual = functions(shifted(load("template"), "Linear10PercentEvery1Minute"))["ApiFunction"]
        at_once = functions(shifted(load("template"), "AllAtOnce"))["ApiFunction"]

        assert gradual["DeploymentPreference"]["Type"] == "Linear10PercentEvery1Minute"
        alarms = [alarm["Ref"] for alarm in gradual["DeploymentPreference"]["Alarms"]]
        assert set(alarms) == set(of_type("template", "AWS::CloudWatch::Alarm"))
        assert "DeploymentPreference" not in at_once
        assert "ShiftRole" not in shifted(load("template"), "AllAtOnce")["Resources"]

    def test_only_the_table_of_events_can_be_of_the_class_for_infrequent_access(self) -> None:
        """Its storage grows; the others are read and written more than they store."""
        tables = of_type("tables", "AWS::DynamoDB::Table")
        classes = {name: table["TableClass"] for name, table in tables.items() if "TableClass" in table}

        assert classes == {"EventsTable": {"Ref": "EventsTableClass"}}
        assert stack("tables")["Parameters"]["EventsTableClass"]["Default"] == "STANDARD"

    def test_the_bucket_keeps_packed_events_longer_than_their_pointers(self) -> None:
        rules = stack("tables")["Resources"]["Files"]["Properties"]["LifecycleConfiguration"]["Rules"]
        (days,) = (rule["ExpirationInDays"] for rule in rules if project_folder("").startswith(rule.get("Prefix", "-")))

        assert days > packed_events.KEPT.days

    def test_the_cost_model_uses_the_deployed_schedule_and_memory(self) -> None:
        made = functions(stack("template"))
        schedule = made["StreamFunction"]["Events"]["OverdueLists"]["Properties"]["ScheduleExpression"]

        assert schedule == f"rate({cost_model.TICK_SECONDS // 60} minutes)"
        assert stack("template")["Parameters"]["ApiMemory"]["Default"] == 1_024 * prices.API_MEMORY_GB


BOTH = {"ApiFunction", "StreamFunction"}
SHARED = (
    "TablePrefix ImageUri SecretName Issuers RetrainHours EventDays Metrics OtlpEndpoint OtlpHeadersName CorsOrigins"
)
OF_API = "ApiMemory BasePath SocketDomainName"
IN_VERSIONS = dict.fromkeys(SHARED.split(), BOTH) | {name: {"ApiFunction"} for name in OF_API.split()}
IN_VERSIONS |= {"MostTrainings": {"StreamFunction"}}
"""Functions that a parameter changes, so that they need a new version."""


def digests(parameters: Mapping[str, Any], template: Template | None = None) -> dict[str, str]:
    made = functions(versioned(template or load("template"), parameters))
    return {name: made[name]["AutoPublishCodeSha256"] for name in BOTH}


class TestVersions:
    @pytest.mark.parametrize("name", stack("template")["Parameters"])
    def test_a_parameter_moves_the_versions_of_the_functions_that_it_changes(self, name: str) -> None:
        parameter = stack("template")["Parameters"][name]
        before = parameter.get("Default", "")
        other = next((value for value in parameter.get("AllowedValues", ()) if value != before), f"{before}7")

        unchanged, changed = digests({}), digests({name: other})

        assert {key for key in BOTH if changed[key] != unchanged[key]} == IN_VERSIONS.get(name, set())

    def test_a_given_default_moves_nothing(self) -> None:
        assert digests({"ApiMemory": 1024, "Metrics": "false"}) == digests({})

    @pytest.mark.parametrize(
        ("key", "value", "moves"),
        [("Timeout", 16, True), ("Policies", [], False), ("ReservedConcurrentExecutions", 3, False)],
    )
    def test_only_what_lambda_keeps_in_a_version_moves_it(self, key: str, value: object, moves: bool) -> None:  # noqa: FBT001
        template = load("template")
        functions(template)["ApiFunction"][key] = value

        changed = digests({}, template)

        assert (changed["ApiFunction"] != digests({})["ApiFunction"]) == moves
        assert changed["StreamFunction"] == digests({})["StreamFunction"]

    def test_another_log_group_is_another_version(self) -> None:
        template = load("template")
        template["Resources"]["ApiLogs"]["Properties"]["LogGroupName"] = "elsewhere"

        assert digests({}, template)["ApiFunction"] != digests({})["ApiFunction"]

    def test_a_new_version_is_a_change_of_the_function(self) -> None:
        """Otherwise Lambda publishes none, and CloudFormation fails: "A version for this Lambda function exists"."""
        first, second = (
            functions(versioned(load("template"), {"ApiMemory": memory}))["ApiFunction"]["Description"]
            for memory in (1024, 2048)
        )

        assert first != second


class TestTasks:
    def test_the_worker_can_start_training_tasks(self) -> None:
        variables = functions(stack("template"))["WorkerFunction"]["Environment"]["Variables"]
        text, overrides = variables["SERENDIP_TRAINING_TASK"]["Fn::If"][1]["Fn::Sub"]
        groups = overrides["Groups"]["Fn::If"][1]["Fn::Sub"][0].replace("${Names}", "sg-1")
        text = text.replace("${TablePrefix}", "serendip-").replace("${Subnets}", 'a", "b').replace("${Groups}", groups)
        task = Settings(secret="x" * 32, training_task=text).training_task

        assert task
        assert (task.subnets, task.security_groups) == (("a", "b"), ("sg-1",))
        (made,) = of_type("training", "AWS::ECS::TaskDefinition").values()
        (cluster,) = of_type("training", "AWS::ECS::Cluster").values()
        assert made["Family"]["Fn::Sub"].replace("${TablePrefix}", "serendip-") == task.task_definition
        assert cluster["ClusterName"]["Fn::Sub"].replace("${TablePrefix}", "serendip-") == task.cluster

    def test_the_training_container_runs_an_existing_command_with_valid_settings(self) -> None:
        (made,) = of_type("training", "AWS::ECS::TaskDefinition").values()
        (container,) = made["ContainerDefinitions"]
        settings = {PREFIX + field.upper() for field in Settings.model_fields}

        assert container["Name"] == task_client.CONTAINER
        assert container["EntryPoint"] == ["python", "-m", task.__name__]
        assert {variable["Name"] for variable in container["Environment"] + container["Secrets"]} <= settings

    def test_the_worker_may_pass_the_task_roles(self) -> None:
        roles = {role["RoleName"]["Fn::Sub"] for role in of_type("training", "AWS::IAM::Role").values()}
        text = json.dumps(functions(stack("template"))["WorkerFunction"]["Policies"])

        assert ":role/${TablePrefix}training-*" in text
        assert all(role.startswith("${TablePrefix}training-") for role in roles)


class TestApis:
    def test_named_routes_are_operations(self) -> None:
        document = gateway_document.plain()
        served = {f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations}
        routes = [
            route["RouteKey"]
            for route in of_type("template", "AWS::ApiGatewayV2::Route").values()
            if route["ApiId"] == {"Ref": "HttpApi"}
        ]

        console = {"GET /", "GET /console", "GET /console/{proxy+}", "GET /serendip-1.js"}
        assert set(routes) - served == {"$default", "OPTIONS /{proxy+}"} | console
        stage = stack("template")["Resources"]["HttpStage"]
        assert set(stage["Properties"]["RouteSettings"]) == set(routes) & served
        named = {key: route["RouteKey"] for key, route in of_type("template", "AWS::ApiGatewayV2::Route").items()}
        assert {named[key] for key in stage["DependsOn"]} == set(routes)

    def test_only_preflights_and_the_files_of_the_console_need_no_token(self) -> None:
        public = {
            route["RouteKey"]
            for route in of_type("template", "AWS::ApiGatewayV2::Route").values()
            if route["ApiId"] == {"Ref": "HttpApi"} and route["AuthorizationType"] == "NONE"
        }

        assert public == {
            "OPTIONS /{proxy+}",
            "GET /",
            "GET /console",
            "GET /console/{proxy+}",
            "GET /serendip-1.js",
        }

    def test_the_application_answers_preflights(self) -> None:
        """An API with a CORS configuration answers them itself, and replaces the headers of responses."""
        resources = stack("template")["Resources"]
        preflight = resources["PreflightRoute"]["Properties"]

        assert "CorsConfiguration" not in resources["HttpApi"]["Properties"]
        assert (preflight["RouteKey"], preflight["AuthorizationType"]) == ("OPTIONS /{proxy+}", "NONE")

    def test_origins_are_a_setting_of_the_functions(self) -> None:
        (_, setting, _) = stack("template")["Globals"]["Function"]["Environment"]["Variables"]["SERENDIP_CORS_ORIGINS"][
            "Fn::If"
        ]
        text, parts = setting["Fn::Sub"]
        separator, _ = parts["Origins"]["Fn::Join"]

        value = text.replace("${Origins}", separator.join(["https://a.example", "https://b.example"]))

        origins = Settings.from_environment({"SERENDIP_SECRET": "x" * 32, "SERENDIP_CORS_ORIGINS": value}).cors_origins
        assert origins == ("https://a.example", "https://b.example")

    def test_sockets_have_a_domain_of_their_own(self) -> None:
        """API Gateway maps no WebSocket API to a domain with an HTTP API."""
        resources = stack("template")["Resources"]
        mappings = [
            made["Properties"] for made in resources.values() if made["Type"] == "AWS::ApiGatewayV2::ApiMapping"
        ]

        assert {mapping["ApiId"]["Ref"]: mapping["DomainName"]["Ref"] for mapping in mappings} == {
            "HttpApi": "Domain",
            "SocketApi": "SocketDomain",
        }
        assert resources["Domain"]["Properties"]["DomainName"] != resources["SocketDomain"]["Properties"]["DomainName"]

    def test_domains_get_their_records_in_the_zone_that_is_named(self) -> None:
        records = of_type("template", "AWS::Route53::RecordSet")
        conditions = stack("template")["Conditions"]

        assert set(records) == {"DomainRecord", "SocketDomainRecord"}
        for name, record in records.items():
            domain = name.removesuffix("Record")
            assert record["Name"] == stack("template")["Resources"][domain]["Properties"]["DomainName"]
            assert record["AliasTarget"] == {
                "DNSName": {"Fn::GetAtt": [domain, "RegionalDomainName"]},
                "HostedZoneId": {"Fn::GetAtt": [domain, "RegionalHostedZoneId"]},
            }
            needed = json.dumps(conditions[stack("template")["Resources"][name]["Condition"]])
            assert stack("template")["Resources"][domain]["Condition"] in needed
            assert '{"Ref": "HostedZoneId"}' in needed

    def test_the_socket_stage_matches_the_functions_endpoint(self) -> None:
        stage = stack("template")["Resources"]["SocketStage"]["Properties"]["StageName"]
        for name in ("ApiFunction", "StreamFunction"):
            endpoint = functions(stack("template"))[name]["Environment"]["Variables"]["SERENDIP_SOCKET_ENDPOINT"]
            assert endpoint["Fn::Sub"].endswith(f"/{stage}")


def alarms() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in STACKS:
        yield from of_type(name, "AWS::CloudWatch::Alarm").items()


def measured(alarm: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the metrics of an alarm, each with its namespace, name and dimensions."""
    stats = [metric["MetricStat"]["Metric"] for metric in alarm.get("Metrics", ()) if "MetricStat" in metric]
    return stats or [dict(alarm)]


def unknown_metrics(alarm: Mapping[str, Any]) -> list[str]:
    """Return the metrics of an alarm that nothing writes."""
    unknown = []
    for measure in measured(alarm):
        namespace, metric = measure["Namespace"], measure["MetricName"]
        dimensions = {dimension["Name"] for dimension in measure.get("Dimensions", ())}
        own = namespace == telemetry.NAMESPACE
        metrics, allowed = (telemetry.METRICS, {"route"}) if own else AWS_METRICS[namespace]
        unknown += ([] if metric in metrics else [metric]) + sorted(dimensions - allowed)
    return unknown


def watched(metric: str) -> set[str]:
    """Return the functions or tables with an alarm about a metric."""
    measures = [measure for _, alarm in alarms() for measure in measured(alarm) if measure["MetricName"] == metric]
    text = json.dumps([measure["Dimensions"] for measure in measures]).replace('"ApiFunction"', '"${TablePrefix}api"')
    return set(re.findall(r'"\$\{TablePrefix\}([a-z]+)"', text))


class TestMonitoring:
    @pytest.mark.parametrize(
        ("name", "alarm"), list(alarms()), ids=lambda value: value if isinstance(value, str) else ""
    )
    def test_alarms_watch_metrics_that_are_written(self, name: str, alarm: dict[str, Any]) -> None:
        assert unknown_metrics(alarm) == [], name

    def test_an_unwritten_metric_is_detected(self) -> None:
        alarm = stack("monitoring")["Resources"]["ServerErrors"]["Properties"]

        assert unknown_metrics(alarm | {"MetricName": "server_mistakes"}) == ["server_mistakes"]
        assert unknown_metrics(alarm | {"Namespace": "AWS/Lambda", "MetricName": "Mistakes"}) == ["Mistakes"]

    def test_every_alarm_is_sent_to_the_topic(self) -> None:
        sent = [{"Ref": "Topic"}], [{"Fn::ImportValue": {"Fn::Sub": "${TablePrefix}alarms"}}]

        assert {name for name, alarm in alarms() if alarm.get("AlarmActions") not in sent} == set()
        assert {name for name, alarm in alarms() if alarm.get("OKActions") not in sent} == set()
        assert stack("template")["Outputs"]["Alarms"]["Value"] == {"Ref": "Topic"}

    def test_every_function_and_table_is_watched(self) -> None:
        tables = {plain_name(model) for model in MODELS}

        assert watched("Errors") == watched("Throttles") == {"api", "stream", "worker"}
        assert tables - watched("WriteThrottleEvents") - watched("ReadThrottleEvents") == {
            "buckets",
            "failures",
            "idempotency",
            "usage",
        }
        assert not any(len(alarm.get("Metrics", ())) > 11 for _, alarm in alarms())  # CloudWatch's limit: ten and a sum

    def test_the_dashboard_shows_metrics_that_are_written(self) -> None:
        body, _ = stack("monitoring")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        widgets = [widget["properties"] for widget in json.loads(body)["widgets"]]
        metrics = [metric for widget in widgets for metric in widget.get("metrics", ())]
        queries = [widget["query"] for widget in widgets if "query" in widget]

        assert len(widgets) == 8
        for namespace, metric, dimension, *_ in metrics:
            assert metric in AWS_METRICS[namespace][0]
            assert dimension in AWS_METRICS[namespace][1]
        for query in queries:
            fields = set(re.findall(r"(?:sum|pct|ispresent)\((\w+)", query)) | set(
                re.findall(r"by (\w+)(?!\w*\()", query)
            )
            assert fields <= LOGGED

    def test_named_functions_and_tables_exist(self) -> None:
        text = json.dumps([stack("monitoring"), stack("template")["Resources"]])
        named = set(re.findall(r"\$\{TablePrefix\}([a-z0-9-]+)", text))
        made = {plain_name(model) for model in MODELS} | {"api", "stream", "worker", "training", "training-"}
        exported = {
            output["Export"]["Name"]["Fn::Sub"].removeprefix("${TablePrefix}")
            for name in STACKS
            for output in stack(name).get("Outputs", {}).values()
            if "Export" in output
        }
        own = {"http", "sockets", "lists", "access", "alarms", "overview", "month-"}
        own |= {alarm["AlarmName"]["Fn::Sub"].removeprefix("${TablePrefix}") for _, alarm in alarms()}

        assert named <= made | exported | own


@pytest.mark.parametrize("path", STAGE_FILES, ids=lambda path: path.stem)
class TestStages:
    def test_stages_set_only_existing_parameters(self, path: Path) -> None:
        settings = tomllib.loads(path.read_text())
        templates = {
            "tables": "tables",
            "application": "template",
            "training": "training",
            "monitoring": "monitoring",
        }

        assert set(settings) <= {
            "functions",
            "front",
            "shift",
            "snapstart",
            "needs_email",
            "account",
            "tags",
            *templates,
        }
        for part, name in templates.items():
            parameters = {*stack(name)["Parameters"], *(NETWORK if part == "training" else ())}
            assert set(settings.get(part, {})) <= parameters


class TestAccount:
    """What stages in one account, or in several regions of one, would take from each other."""

    def test_names_of_roles_include_the_region(self) -> None:
        names = [
            role["RoleName"]["Fn::Sub"]
            for name in STACKS
            for role in of_type(name, "AWS::IAM::Role").values()
            if "RoleName" in role
        ]

        assert names
        assert [name for name in names if "${AWS::Region}" not in name] == []

    def test_every_role_has_the_boundary_of_the_account(self) -> None:
        bound = {"Fn::If": ["IsBounded", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]}
        roles = [role for name in STACKS for role in of_type(name, "AWS::IAM::Role").values()]
        schedule = functions(stack("template"))["StreamFunction"]["Events"]["OverdueLists"]["Properties"]

        assert len(roles) == 5
        assert [role for role in roles if role.get("PermissionsBoundary") != bound] == []
        assert (
            stack("template")["Globals"]["Function"]["PermissionsBoundary"] == schedule["PermissionsBoundary"] == bound
        )
        assert functions(stack("template"))["ApiFunction"]["DeploymentPreference"]["Role"]  # SAM's own has none

    def test_the_budget_is_reported_before_it_is_spent_to_who_gets_the_alarms(self) -> None:
        """Without a recipient, AWS would refuse the budget's notifications."""
        (budget,) = of_type("monitoring", "AWS::Budgets::Budget").values()
        needed = json.dumps(stack("monitoring")["Conditions"]["HasBudget"])
        notified = {
            part["Notification"]["NotificationType"]: part["Notification"]["Threshold"]
            for part in budget["NotificationsWithSubscribers"]
        }

        assert notified == {"ACTUAL": 80, "FORECASTED": 100}
        assert {
            subscriber["Address"]["Ref"]
            for part in budget["NotificationsWithSubscribers"]
            for subscriber in part["Subscribers"]
        } == {"Email"}
        assert '{"Ref": "MonthlyBudget"}' in needed
        assert '{"Ref": "Email"}' in needed

    def test_access_logs_need_no_room_in_the_accounts_policy(self) -> None:
        """API Gateway adds a statement for each other group, and the policy's 5,120 characters hold few."""
        group = stack("template")["Resources"]["AccessLogs"]["Properties"]

        assert group["LogGroupName"]["Fn::Sub"].startswith("/aws/vendedlogs/")

    def test_no_rule_removes_images_or_packages_that_a_stage_may_need(self) -> None:
        (images,) = of_type("bootstrap", "AWS::ECR::Repository").values()
        (bucket,) = of_type("bootstrap", "AWS::S3::Bucket").values()
        rules = json.loads(images["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]

        assert {rule["selection"]["tagStatus"] for rule in rules} == {"untagged"}
        expiring = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in rule]
        assert [rule["Prefix"] for rule in expiring] == ["templates/"]

    def test_the_stream_function_can_read_only_its_stream(self) -> None:
        """SAM's event of a stream adds AWSLambdaDynamoDBExecutionRole, which can read all of them."""
        stream = functions(stack("template"))["StreamFunction"]
        (policy,) = stream["Policies"]
        (statement,) = (entry for entry in policy["Statement"] if entry.get("Sid") == "ReadStream")

        assert {event["Type"] for event in stream["Events"].values()} == {"ScheduleV2"}
        assert statement["Resource"]["Fn::Sub"].endswith(":table/${TablePrefix}events/stream/*")


class TestDeployer:
    def test_only_one_branch_of_one_repository_gets_its_role(self) -> None:
        (role,) = of_type("ci", "AWS::IAM::Role").values()
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        allowed = statement["Condition"]["StringEquals"]

        assert allowed["token.actions.githubusercontent.com:sub"] == {"Fn::Sub": "repo:${Repository}:${Subject}"}
        assert allowed["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
        assert stack("ci")["Parameters"]["Subject"]["Default"] == "ref:refs/heads/main"

    def test_it_changes_only_roles_of_stages(self) -> None:
        (role,) = of_type("ci", "AWS::IAM::Role").values()
        (policy,) = role["Policies"]
        (statement,) = policy["PolicyDocument"]["Statement"]

        assert statement["Resource"]["Fn::Sub"].endswith(":role/serendip-*")
        names = {made["RoleName"]["Fn::Sub"] for made in of_type("training", "AWS::IAM::Role").values()}
        assert all(name.startswith("${TablePrefix}") for name in names)
        assert BOOTSTRAP.startswith("serendip-")


class TestAccessLogs:
    @pytest.mark.parametrize("name", ["HttpStage", "SocketStage"])
    def test_lines_name_the_request_and_are_json(self, name: str) -> None:
        """API Gateway refuses a format without a request id; `error.messageString` comes with quotes of its own."""
        log_format = stack("template")["Resources"][name]["Properties"]["AccessLogSettings"]["Format"]
        line = log_format.replace("$context.error.messageString", '"Forbidden"')

        assert "$context.requestId" in log_format
        assert json.loads(re.sub(r"\$context\.[\w.]+", "-", line))
