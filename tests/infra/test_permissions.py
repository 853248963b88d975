"""The functions' roles allow exactly the calls recorded in all other tests."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from app.storage.admin.backups import MANIFESTS
from app.storage.objects import project_folder
from infra.one_function import ALIAS, merged
from infra.variants import Template, functions, load
from tests.support import permissions
from tests.support.cloud import statements
from tests.support.permissions import API, STREAM, TASK, WORKER, Call

READING = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
BY_LAMBDA = {
    ("sqs:SendMessage", "LostBatches"),
    ("sqs:SendMessage", "LostCalls"),
    ("ssm:GetParameter", "SecretName"),
    *((f"dynamodb:{action}", "events/stream/*") for action in READING),
}
"""Calls that Lambda itself makes with a function's role, and those of an instance that starts."""

STARTED = ("lambda:InvokeFunction", "WorkerFunction")
ELSEWHERE = {API: {STARTED, ("s3:PutObject", "Files")}, STREAM: {STARTED}, WORKER: {STARTED}, TASK: set()}
"""Calls made in other processes (`test_worker_client.py`, `test_deployment.py`) or through presigned URLs."""


Change = Callable[[Template], Template]


def identity(template: Template) -> Template:
    return template


def resource(said: Any) -> str:
    """Return a table, `table/index/*`, or the template's name of a resource."""
    if "Fn::GetAtt" in said:
        return str(said["Fn::GetAtt"][0] if isinstance(said["Fn::GetAtt"], list) else said["Fn::GetAtt"].split(".")[0])
    text = said["Fn::Sub"] if isinstance(said["Fn::Sub"], str) else said["Fn::Sub"][0]
    table = re.search(r":table/\$\{TablePrefix\}(.+)$", text)
    if text.endswith(":function:${TablePrefix}worker"):  # the worker invokes itself by name
        return "WorkerFunction"
    if text.endswith(":function:" + ALIAS):
        return "itself"
    return table[1] if table else re.findall(r"\$\{(\w+)\}", text)[-1]


def allowed(template: Template, function: str) -> set[Call]:
    return every(template, function) - BY_LAMBDA - ELSEWHERE[function]


def every(template: Template, function: str) -> set[Call]:
    pairs = set()
    for statement in of_task() if function == TASK else statements(template, function):
        actions, resources = statement["Action"], statement["Resource"]
        for action in [actions] if isinstance(actions, str) else actions:
            for name in resources if isinstance(resources, list) else [resources]:
                pairs.add((action, resource(name)))
    return pairs


def conditions(template: Template, function: str) -> set[str]:
    """Return the statements that depend on a condition of the template or of the call, as text."""
    (policy,) = functions(template)[function]["Policies"]
    said = policy["Statement"]
    return {json.dumps(statement, sort_keys=True) for statement in said if {"Fn::If", "Condition"} & set(statement)}


def of_task() -> list[dict[str, Any]]:
    (policy,) = load("training")["Resources"]["TaskRole"]["Properties"]["Policies"]
    return [statement for statement in policy["PolicyDocument"]["Statement"] if "Sid" in statement]


@pytest.mark.parametrize("function", permissions.FUNCTIONS)
class TestPermissions:
    @pytest.fixture
    def done(self, pytestconfig: pytest.Config, function: str) -> set[Call]:
        kept = permissions.kept(pytestconfig)
        if not kept:
            pytest.skip("needs the calls recorded by all other tests: make test")
        return kept[function]

    def test_every_recorded_call_is_allowed(self, function: str, done: set[Call]) -> None:
        assert sorted(done - allowed(load("template"), function)) == []

    def test_no_other_call_is_allowed(self, function: str, done: set[Call]) -> None:
        assert sorted(allowed(load("template"), function) - done) == []


class TestOneFunction:
    def test_it_may_do_what_the_three_may_and_invoke_only_itself(self) -> None:
        apart, together = load("template"), merged(load("template"))
        union = set().union(*(every(apart, function) for function in (API, STREAM, WORKER)))

        assert every(together, API) == union - {STARTED} | {("lambda:InvokeFunction", "itself")}

    def test_conditions_stay(self) -> None:
        apart, together = load("template"), merged(load("template"))

        assert conditions(together, API) == set().union(
            *(conditions(apart, function) for function in (API, STREAM, WORKER))
        )


class TestComparison:
    def test_an_action_on_another_table_is_not_allowed(self) -> None:
        permissions = allowed(load("template"), WORKER)

        assert ("dynamodb:Query", "events") in permissions
        assert ("dynamodb:Query", "events/index/*") in permissions
        assert ("dynamodb:Query", "users") not in permissions

    def test_missing_and_unneeded_permissions_are_detected(self) -> None:
        template = load("template")
        before = allowed(template, WORKER)
        (reading,) = [statement for statement in statements(template, WORKER) if statement["Sid"] == "ReadRanges"]
        reading["Resource"] = reading["Resource"][1:]
        reading["Action"] = [reading["Action"], "dynamodb:Scan"]
        after = allowed(template, WORKER)

        assert before - after == {("dynamodb:Query", "connections")}
        assert ("dynamodb:Scan", "events/index/*") in after - before

    @pytest.mark.parametrize(
        ("function", "change"), [(API, identity), (WORKER, identity), (API, merged)], ids=["api", "worker", "one"]
    )
    def test_the_files_of_jobs_can_be_reached_but_no_backups(self, function: str, change: Change) -> None:
        of_bucket = [
            statement for statement in statements(change(load("template")), function) if "s3:" in str(statement)
        ]

        names = [
            statement["Resource"]["Fn::Sub"][0] for statement in of_bucket if statement["Action"] != "s3:ListBucket"
        ]
        listing = [statement["Condition"] for statement in of_bucket if statement["Action"] == "s3:ListBucket"]
        assert {name.partition("${Files}")[2] for name in names} == {f"/{project_folder('*').removesuffix('/')}"}
        assert all(condition == {"StringLike": {"s3:prefix": "of-*"}} for condition in listing)
        assert not MANIFESTS.startswith("of-")
