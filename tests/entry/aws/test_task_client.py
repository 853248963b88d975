"""Starts container tasks in MiniStack's ECS."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import get_session

from app.config import Settings, TrainingTask
from app.domain.jobs import Job, JobState, TrainingCheckpoint, TrainingRequest
from app.entry.aws import task_client
from app.errors import WorkerUnavailable
from tests.support.builders import NOON, SECRET
from tests.support.cloud import MINISTACK, emulator

JOB = Job("j20261126T101500123456-a1b2", JobState.RUNNING, NOON, NOON, TrainingRequest("v1"), TrainingCheckpoint())
TASK = TrainingTask(cluster="serendip-training", task_definition="serendip-training", subnets=("subnet-1",))
SETTINGS = Settings(secret=SECRET, training_task=TASK, event_days=400)

pytestmark = pytest.mark.skipif(not MINISTACK.exists(), reason="MiniStack is not installed: make .venv/ministack")


@pytest.fixture(scope="module")
def ecs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with emulator(tmp_path_factory.mktemp("ecs")):
        client = get_session().create_client("ecs")
        client.create_cluster(clusterName=TASK.cluster)
        client.register_task_definition(
            family=TASK.task_definition,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="1024",
            memory="2048",
            containerDefinitions=[{"name": task_client.CONTAINER, "image": "none"}],
        )
        yield client


class TestStart:
    def test_the_task_receives_its_project_and_job(self, ecs: Any) -> None:
        task_client.start(SETTINGS, "shop", JOB)

        tasks = [
            arn
            for state in ("RUNNING", "STOPPED")
            for arn in ecs.list_tasks(cluster=TASK.cluster, desiredStatus=state)["taskArns"]
        ]
        (task,) = ecs.describe_tasks(cluster=TASK.cluster, tasks=tasks)["tasks"]
        (container,) = task["overrides"]["containerOverrides"]
        assert (container["name"], container["command"]) == ("training", ["shop", JOB.job_id])
        assert {"name": "SERENDIP_EVENT_DAYS", "value": "400"} in container["environment"]
        assert task["launchType"] == "FARGATE"

    def test_a_task_that_ecs_refuses_raises_worker_unavailable(self, ecs: Any) -> None:
        assert ecs
        unknown = TASK.model_copy(update={"task_definition": "none"})

        with pytest.raises(WorkerUnavailable, match="could not be started"):
            task_client.start(SETTINGS.model_copy(update={"training_task": unknown}), "shop", JOB)
