"""A stage changes its number of functions or its front, and back, without losing data or its place in the stream."""

import re
from typing import Any

import httpx2
import orjson
import pytest
from websockets.sync.client import connect

from infra import stage
from infra.stage import prefix_of
from tests.support.cloud import AT, MINISTACK, STAGE, Cloud, choose, soon
from tests.support.deployment_checks import FULL

pytestmark = [
    pytest.mark.skipif(not MINISTACK.exists(), reason="MiniStack is not installed: make .venv/ministack"),
    pytest.mark.skipif(not FULL, reason="part of make deploy-check"),
]
OTHER = {"one": "three", "three": "one", "api": "url", "url": "api"}
METRICS = {"api": {"Latency", "5xx"}, "url": {"UrlRequestLatency", "Url5xxCount"}}
FUNCTIONS = {"one": ["api"], "three": ["api", "stream", "worker"]}
CALLED = {"one": "api", "three": "stream"}
"""The function that the stream and the schedule call."""


def deploy(cloud: Cloud, **choices: str) -> None:
    choose(stage.STAGES / f"{STAGE}.toml", **choices)
    cloud.deploy()


def parts(cloud: Cloud) -> dict[str, list[str]]:
    """Return what calls and watches the functions of the stage, and the functions themselves."""
    account, prefix = cloud.account, prefix_of(STAGE)
    (mapping,) = account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    (schedule,) = account.client("scheduler").list_schedules()["Schedules"]
    target = account.client("scheduler").get_schedule(Name=schedule["Name"])["Target"]["Arn"]
    groups = [group["logGroupName"] for group in account.client("logs").describe_log_groups()["logGroups"]]
    watched = {
        dimension["Value"].removeprefix(prefix)
        for alarm in account.client("cloudwatch").describe_alarms()["MetricAlarms"]
        for dimension in alarm.get("Dimensions", ())
        if dimension["Name"] == "FunctionName"
    }
    return {
        "functions": sorted(
            function["FunctionName"].removeprefix(prefix)
            for function in account.client("lambda").list_functions()["Functions"]
        ),
        "groups": sorted(group.removeprefix(f"/aws/lambda/{prefix}") for group in groups if "/lambda/" in group),
        "watched": sorted(watched),
        "called": [arn.partition(f":function:{prefix}")[2] for arn in (mapping["FunctionArn"], target)],
        "streams": [mapping["UUID"]],
    }


def applied(cloud: Cloud, function: str) -> int:
    """Return how many records of the stream a function has applied, according to its log."""
    group = f"/aws/lambda/{prefix_of(STAGE)}{function}"
    events = cloud.account.client("logs").filter_log_events(logGroupName=group)["events"]
    return sum(int(number) for event in events for number in re.findall(r'"records":(\d+)', event["message"]))


def use(cloud: Cloud, client: httpx2.Client, function: str, user: str) -> None:
    """Send events that this function has to apply, and train."""
    before = applied(cloud, function)
    events = [{"user_id": user, "item_id": f"i{n}", "event_type": "view", "timestamp": AT} for n in range(12)]
    client.post("/v1/events", json={"events": events}).raise_for_status()
    soon(lambda: applied(cloud, function) >= before + len(events), 120, cloud.worker_log)
    version = client.post("/v1/models").raise_for_status().json()["version"]

    def ended() -> Any:
        model = client.get(f"/v1/models/{version}").raise_for_status().json()
        return model if model["active"] or model["detail"] else None

    assert soon(ended, 180, cloud.worker_log)["state"] == "ready"


def test_a_stage_changes_the_number_of_its_functions_and_back(cloud: Cloud, shop_key: str) -> None:
    first = "one" if cloud.worker.endswith("api") else "three"
    before = parts(cloud)

    for number in (OTHER[first], first):
        deploy(cloud, functions=number)

        now = parts(cloud)
        assert now["functions"] == now["groups"] == now["watched"] == FUNCTIONS[number]
        assert now["called"] == [f"{CALLED[number]}:live"] * 2
        assert now["streams"] == before["streams"]  # the same mapping, so it continues where it was
        with cloud.client(shop_key) as client:
            assert client.get("/v1/items/i3").raise_for_status().json()["categories"] == ["odd"]
            use(cloud, client, CALLED[number], f"user-of-{number}")

    assert parts(cloud) == before


def watched_metrics(cloud: Cloud) -> set[str]:
    """Return the metrics of the front that alarms watch."""
    alarms = cloud.account.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {alarm["MetricName"] for alarm in alarms if "MetricName" in alarm} & set().union(*METRICS.values())


def test_a_stage_changes_its_front_and_back(cloud: Cloud, shop_key: str) -> None:
    first = "api" if "HttpApiId" in cloud.outputs else "url"
    before, addresses = parts(cloud), [cloud.outputs["Url"]]
    assert watched_metrics(cloud) == METRICS[first]

    for front in (OTHER[first], first):
        with cloud.client(shop_key) as former:
            assert former.get("/v1/items/i3").is_success
            deploy(cloud, front=front)
            gone = former.get("/v1/items/i3")

        assert gone.status_code in {403, 404}, gone.text
        assert ("HttpApiId" in cloud.outputs) == (front == "api")
        assert parts(cloud) == before  # the same functions, stream and schedule
        assert watched_metrics(cloud) == METRICS[front]
        with cloud.client(shop_key) as client:
            assert client.get("/v1/items/i3").raise_for_status().json()["categories"] == ["odd"]
            assert client.options("/v1/items", headers={"origin": "https://shop.example"}).status_code < 500
        with connect(cloud.socket_url, additional_headers={"X-API-Key": shop_key}) as socket:
            socket.send('{"action": "subscribe", "user_id": "watcher", "limit": 3}')
            assert orjson.loads(socket.recv(60))["action"] == "recommendations"
        addresses.append(cloud.outputs["Url"])

    assert len(set(addresses)) == len(addresses)  # a stage that changes back has a new address
