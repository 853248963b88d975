"""Lambda's door: names the kind of event and hands it on; HTTP goes to Mangum. Anything unknown is an error."""

import gc

gc.disable()  # nothing that a cold start imports is garbage: looking for some took 135 of its 900 ms

import math
import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from mangum import Mangum

from app import telemetry
from app.api.application import create_application
from app.config import Settings
from app.domain.jobs import Job, JobState
from app.entry import oidc_client, schedule, tracing
from app.errors import WorkerUnavailable
from app.telemetry import RequestLog
from app.wiring import wire

if TYPE_CHECKING:
    from app.entry.aws.websocket import Live

JOB, TICK = "job", "tick"
EVENTS_STREAM = "aws:dynamodb"


class WorkerLauncher:
    """Hands a job to the worker function, which is made of the same image."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def launch(self, project: str, job: Job) -> None:
        if self._settings.worker_function is None:
            raise WorkerUnavailable("No worker function is set (SERENDIP_WORKER_FUNCTION).")
        from app.entry.aws.worker_client import invoke  # noqa: PLC0415 - most requests begin no job

        work = telemetry.current()
        invoke(
            self._settings,
            {
                "serendip": JOB,
                "project": project,
                "job": job.job_id,
                "request_id": work.request_id,
                "traceparent": work.traceparent,
            },
        )


telemetry.configure()
_settings = Settings.from_environment(os.environ)
_provider = tracing.provider(_settings)
_launcher = WorkerLauncher(_settings)
_wired = wire(_settings, _launcher, oidc_client.fetch, tracing.tracer(_provider))
_http = Mangum(
    create_application(_wired.services, _provider),
    lifespan="off",
    text_mime_types=["text/", "application/json", "application/problem+json"],
)


def handler(event: dict[str, Any], context: Any) -> Any:  # noqa: ANN401 - Lambda's own types
    """Answer one invocation.

    Raises:
        ValueError: the event is of no known kind.
    """
    try:
        return _answer(event, context)
    finally:
        tracing.flush(_provider)  # Lambda freezes the process as soon as this returns


def _answer(event: Any, context: Any) -> Any:  # noqa: ANN401
    if not isinstance(event, dict):
        raise ValueError(f"unknown kind of event: {type(event).__name__} and no object")  # noqa: TRY004 - as below
    if event.get("serendip") == JOB:
        return _job(event, context)
    if event.get("serendip") == TICK:
        return _tick()
    request, records = event.get("requestContext"), event.get("Records")
    if isinstance(request, dict) and "connectionId" in request:
        return _live().answer(event)
    if isinstance(request, dict) and ("http" in request or "httpMethod" in event):
        return _http(event, context)
    if isinstance(records, list) and records and records[0].get("eventSource") == EVENTS_STREAM:
        return _live().apply(records)
    raise ValueError(f"unknown kind of event with the keys {sorted(event)}")


@cache
def _live() -> "Live":
    """Sockets and stream: most cold starts are of HTTP requests, which need neither."""
    from app.entry.aws.websocket import Live  # noqa: PLC0415

    return Live(_wired.services)


def _job(event: dict[str, Any], context: Any) -> dict[str, str | None]:  # noqa: ANN401
    """Work on a job, and have another invocation go on with it when this one's time is nearly up."""
    from app.entry.aws import task_client  # noqa: PLC0415 - only the worker function runs jobs
    from app.entry.jobs import worker  # noqa: PLC0415

    def remaining() -> float:
        return math.inf if context is None else float(context.get_remaining_time_in_millis()) / 1_000

    work = RequestLog(str(event.get("request_id", "")), project=event["project"], route=JOB)
    work.follow(event.get("traceparent"))
    with telemetry.doing(work), telemetry.told_job(work):
        elsewhere = partial(task_client.start, _settings) if _settings.training_task else None
        job = worker.work(_wired.services, event["project"], event["job"], remaining, elsewhere)
        if job is not None and job.state is JobState.RUNNING:
            _launcher.launch(event["project"], job)
        return {"state": job.state.value if job else None}


def _tick() -> dict[str, int]:
    work = RequestLog(route=TICK)
    with telemetry.doing(work), telemetry.told_job(work):
        return schedule.tick(_wired.services)


def _warm_up() -> None:
    """The first request costs tens of milliseconds more than the next; spend them before it comes."""
    request = {"http": {"method": "GET", "path": "/health/live", "sourceIp": "127.0.0.1"}, "domainName": "init"}
    event = {
        "version": "2.0",
        "rawPath": "/health/live",
        "rawQueryString": "",
        "headers": {},
        "requestContext": request,
    }
    with telemetry.rehearsing():
        handler(event, None)


_warm_up()
gc.freeze()  # it all stays: later collections look at what requests leave behind only
gc.enable()
