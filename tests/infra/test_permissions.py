"""The functions' roles allow what the functions were seen to do in all other tests, and nothing else."""

import re
from typing import Any

import pytest

from infra.stacks import Template, load
from tests.support import permissions
from tests.support.cloud import statements
from tests.support.permissions import API, STREAM, TASK, WORKER, Call

BY_LAMBDA = {("sqs:SendMessage", "LostBatches"), ("sqs:SendMessage", "LostCalls")}
"""What Lambda itself does in a function's name."""

STARTED = ("lambda:InvokeFunction", "WorkerFunction")
ELSEWHERE = {API: {STARTED, ("s3:PutObject", "Files")}, STREAM: {STARTED}, WORKER: {STARTED}, TASK: set()}
"""Done in processes of their own (`test_worker_client.py`, `test_deployment.py`), or by whom a function gives a URL."""


def resource(said: Any) -> str:
    """A table, `table/index/*`, or a resource of the template."""
    if "Fn::GetAtt" in said:
        return str(said["Fn::GetAtt"][0] if isinstance(said["Fn::GetAtt"], list) else said["Fn::GetAtt"].split(".")[0])
    text = said["Fn::Sub"] if isinstance(said["Fn::Sub"], str) else said["Fn::Sub"][0]
    table = re.search(r":table/\$\{TablePrefix\}(.+)$", text)
    if text.endswith(":function:${TablePrefix}worker"):  # by its name, as it names itself
        return "WorkerFunction"
    return table[1] if table else re.findall(r"\$\{(\w+)\}", text)[-1]


def allowed(template: Template, function: str) -> set[Call]:
    found = set()
    for statement in of_task() if function == TASK else statements(template, function):
        actions, resources = statement["Action"], statement["Resource"]
        for action in [actions] if isinstance(actions, str) else actions:
            for one in resources if isinstance(resources, list) else [resources]:
                found.add((action, resource(one)))
    return found - BY_LAMBDA - ELSEWHERE[function]


def of_task() -> list[dict[str, Any]]:
    (policy,) = load("training")["Resources"]["TaskRole"]["Properties"]["Policies"]
    return [one for one in policy["PolicyDocument"]["Statement"] if "Sid" in one]


@pytest.mark.parametrize("function", permissions.FUNCTIONS)
class TestPermissions:
    @pytest.fixture
    def done(self, pytestconfig: pytest.Config, function: str) -> set[Call]:
        kept = permissions.kept(pytestconfig)
        if not kept:
            pytest.skip("only after all other tests it is known what is done: make test")
        return kept[function]

    def test_everything_that_was_done_is_allowed(self, function: str, done: set[Call]) -> None:
        assert sorted(done - allowed(load("template"), function)) == []

    def test_nothing_else_is(self, function: str, done: set[Call]) -> None:
        assert sorted(allowed(load("template"), function) - done) == []


class TestComparison:
    def test_an_action_on_another_table_is_not_allowed(self) -> None:
        given = allowed(load("template"), WORKER)

        assert ("dynamodb:Query", "events") in given
        assert ("dynamodb:Query", "events/index/*") in given
        assert ("dynamodb:Query", "users") not in given

    def test_a_missing_and_a_needless_permission_are_found(self) -> None:
        template = load("template")
        before = allowed(template, WORKER)
        (reading,) = [one for one in statements(template, WORKER) if one["Sid"] == "ReadRanges"]
        reading["Resource"] = reading["Resource"][1:]
        reading["Action"] = [reading["Action"], "dynamodb:Scan"]
        after = allowed(template, WORKER)

        assert before - after == {("dynamodb:Query", "connections")}
        assert ("dynamodb:Scan", "events/index/*") in after - before
