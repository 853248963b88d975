"""Starts a container task for a training that does not fit into the worker function."""

from botocore.exceptions import BotoCoreError, ClientError

from app import telemetry
from app.config import PREFIX, Settings
from app.domain.jobs import Job
from app.errors import WorkerUnavailable
from app.storage.aws import client

CONTAINER = "training"
NOT_STARTED = "The container task could not be started. Try again later."


def start(settings: Settings, project: str, job: Job, endpoint: str | None = None) -> None:
    """Returns once ECS has accepted the task.

    Raises:
        WorkerUnavailable: ECS did not accept it.
    """
    task, log = settings.training_task, telemetry.current()
    if task is None:
        raise WorkerUnavailable("No container task is set (SERENDIP_TRAINING_TASK).")
    ecs = client("ecs", settings.region, read_timeout_seconds=10, endpoint=endpoint)
    variables = {telemetry.REQUEST_VARIABLE: log.request_id, telemetry.TRACEPARENT_VARIABLE: log.traceparent}
    if settings.event_days is not None:
        variables[f"{PREFIX}EVENT_DAYS"] = str(settings.event_days)
    override = {
        "name": CONTAINER,
        "command": [project, job.job_id],
        "environment": [{"name": name, "value": value} for name, value in variables.items()],
    }
    network = {"subnets": list(task.subnets), "securityGroups": list(task.security_groups), "assignPublicIp": "ENABLED"}
    try:
        response = ecs.run_task(
            cluster=task.cluster,
            taskDefinition=task.task_definition,
            launchType="FARGATE",
            count=1,
            startedBy=job.job_id[:36],
            overrides={"containerOverrides": [override]},
            networkConfiguration={"awsvpcConfiguration": network},
        )
    except (BotoCoreError, ClientError) as error:
        raise WorkerUnavailable(NOT_STARTED) from error
    if response["failures"]:
        raise WorkerUnavailable(f"{NOT_STARTED} ECS: {response['failures'][0].get('reason')}.")
