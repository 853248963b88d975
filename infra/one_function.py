"""The templates of a stage with one function: `api` does the work, and has the rights, of all three."""

import json
from collections.abc import Iterable
from typing import Any

from infra.variants import Template, functions

MEMORY_MB = 1769
"""What Lambda gives one core for: trainings have a core, and requests are not slower than in a smaller function."""
ALIAS = "${TablePrefix}api:live"
GONE = ("StreamFunction", "WorkerFunction", "StreamLogs", "WorkerLogs")
PARAMETERS = ("StreamConcurrency", "WorkerConcurrency", "WorkerMemory")
CONDITIONS = ("ReservesStream", "ReservesWorker")
COVERED = {"Errors", "Throttles"}
"""Metrics that an alarm about `api` covers."""
START = "lambda:InvokeFunction"
Statement = dict[str, Any]


def merged(template: Template) -> Template:
    """Returns the application's template with one function, which calls itself to run jobs."""
    made = functions(template)
    api, stream, worker = (made[name] for name in ("ApiFunction", "StreamFunction", "WorkerFunction"))
    variables = [function["Environment"]["Variables"] for function in (worker, stream, api)]
    together = {name: value for part in variables for name, value in part.items()}
    # By name, because a function that refers to its own alias would be a circle.
    together["SERENDIP_WORKER_FUNCTION"] = {"Fn::Sub": ALIAS}
    statements = [statement for function in (api, stream, worker) for statement in function["Policies"][0]["Statement"]]
    events = stream["Events"]
    # Not the name that it has beside three functions: CloudFormation creates new resources before it deletes old ones.
    events["OverdueLists"]["Properties"]["Name"] = {"Fn::Sub": "${TablePrefix}ticks"}
    api |= {
        "Timeout": worker["Timeout"],
        "RecursiveLoop": worker["RecursiveLoop"],
        "EventInvokeConfig": worker["EventInvokeConfig"],
        "Events": events,
        "Environment": {"Variables": together},
        "Policies": [{"Version": "2012-10-17", "Statement": united(statements)}],
    }
    resources = template["Resources"]
    resources["EventsStream"]["Properties"]["FunctionName"] = {"Ref": "ApiFunction.Alias"}
    resources["ApiErrorsAlarm"]["Properties"]["AlarmDescription"] = (
        "Requests, batches of events or jobs failed in the function. Its log names the error type."
    )
    for part, names in (("Resources", GONE), ("Parameters", PARAMETERS), ("Conditions", CONDITIONS)):
        for name in names:
            del template[part][name]
    template["Parameters"]["ApiMemory"]["Default"] = MEMORY_MB
    template["Description"] = template["Description"].replace("three functions and their logs", "one function")
    return template


def united(statements: Iterable[Statement]) -> list[Statement]:
    """Returns statements that allow what any of the given ones allows, and nothing else.

    Each table is named once, beside all of its actions: together, the roles of three functions are longer than the
    10,240 characters that IAM allows for a role's inline policies.
    """
    tables: dict[str, set[str]] = {}
    others: dict[str, Statement] = {}
    for statement in statements:
        actions = _listed(statement.get("Action", ()))
        if actions and all(action.startswith("dynamodb:") for action in actions):
            for resource in _listed(statement["Resource"]):
                tables.setdefault(json.dumps(resource), set()).update(actions)
        elif actions != [START]:
            key = json.dumps([statement.get("Resource", statement), statement.get("Condition")])
            same = others.setdefault(key, statement)
            if same is not statement and actions:
                same["Action"] = sorted({*_listed(same["Action"]), *actions})
    alike: dict[tuple[str, ...], list[Any]] = {}
    for resource, allowed in tables.items():
        alike.setdefault(tuple(sorted(allowed)), []).append(json.loads(resource))
    of_tables = [
        {"Sid": f"Tables{number}", "Effect": "Allow", "Action": list(allowed), "Resource": resources}
        for number, (allowed, resources) in enumerate(sorted(alike.items()))
    ]
    arn = f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{ALIAS}"
    start = {"Sid": "StartJobs", "Effect": "Allow", "Action": START, "Resource": {"Fn::Sub": arn}}
    return [*of_tables, start, *others.values()]


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - of a template
    return [value] if isinstance(value, str | dict) else list(value)


def watched(template: Template) -> Template:
    """Returns the template of alarms and the dashboard for a stage with one function."""
    resources = template["Resources"]
    for name, resource in list(resources.items()):
        alarm = resource["Properties"]
        if resource["Type"] == "AWS::CloudWatch::Alarm" and _of_others(alarm.get("Dimensions")):
            if alarm["MetricName"] in COVERED:
                del resources[name]
            else:
                alarm["Dimensions"] = _renamed(alarm["Dimensions"])
    substitution = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    body = json.loads(substitution[0])
    for widget in body["widgets"]:
        metrics = widget["properties"].get("metrics", ())
        kept = dict.fromkeys(json.dumps(_renamed(metric)) for metric in metrics)
        if kept:
            widget["properties"]["metrics"] = [json.loads(metric) for metric in kept]
    substitution[0] = json.dumps(body)
    return template


def _of_others(part: Any) -> bool:  # noqa: ANN401 - of a template
    return json.dumps(part) != json.dumps(_renamed(part))


def _renamed(part: Any) -> Any:  # noqa: ANN401 - of a template
    """Names the function `api` in place of the two others."""
    text = json.dumps(part)
    for name in ("stream", "worker"):
        text = text.replace(f'"${{TablePrefix}}{name}"', '"${TablePrefix}api"')
    return json.loads(text)
