"""Recognizes the kind of a Lambda event and passes it on: HTTP to Mangum, sockets, the stream, jobs, ticks."""

import math
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from mangum import Mangum
from opentelemetry.trace import TracerProvider

from app import telemetry
from app.api.application import create_application
from app.api.http.routing.alone import alone
from app.config import Settings
from app.domain.jobs import Job, JobState
from app.entry import schedule
from app.entry.aws.base_path import BasePath
from app.errors import WorkerUnavailable
from app.services.bundle import Services
from app.telemetry import RequestLog

if TYPE_CHECKING:
    from app.entry.aws.websocket import Live

JOB, TICK = "job", "tick"
EVENTS_STREAM = "aws:dynamodb"
TEXT_TYPES = ["text/", "application/json", "application/problem+json"]


class WorkerLauncher:
    """Hands jobs to the worker function, which runs the same code."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def launch(self, project: str, job: Job) -> None:
        if self._settings.worker_function is None:
            raise WorkerUnavailable("No worker function is set (SERENDIP_WORKER_FUNCTION).")
        from app.entry.aws.worker_client import invoke  # noqa: PLC0415 - most requests start no job

        log = telemetry.current()
        payload = {
            "serendip": JOB,
            "project": project,
            "job": job.job_id,
            "request_id": log.request_id,
            "traceparent": log.traceparent,
        }
        invoke(self._settings, payload)


class Dispatcher:
    def __init__(self, services: Services, launcher: WorkerLauncher, provider: TracerProvider | None) -> None:
        self._services, self._launcher = services, launcher
        application = BasePath(create_application(services, provider), services.settings.base_path)
        self._http = Mangum(application, lifespan="off", text_mime_types=TEXT_TYPES)

    def dispatch(self, event: Any, context: Any) -> Any:  # noqa: ANN401 - Lambda's own types
        """Raises ValueError if the event is of an unknown kind."""
        if not isinstance(event, dict):
            raise ValueError(f"unknown kind of event: {type(event).__name__}, not an object")  # noqa: TRY004 - as below
        if event.get("serendip") == JOB:
            return self._job(event, context)
        if event.get("serendip") == TICK:
            return self._tick()
        request, records = event.get("requestContext"), event.get("Records")
        if isinstance(request, dict) and "connectionId" in request:
            return self._live.handle(event)
        if isinstance(request, dict) and ("http" in request or "httpMethod" in event):
            with alone():
                return self._http(event, context)
        if isinstance(records, list) and records and records[0].get("eventSource") == EVENTS_STREAM:
            return self._live.apply(records)
        raise ValueError(f"unknown kind of event with the keys {sorted(event)}")

    @cached_property
    def _live(self) -> "Live":
        """Sockets and stream, loaded on demand: most cold starts serve HTTP requests, which need neither."""
        from app.entry.aws.websocket import Live  # noqa: PLC0415

        return Live(self._services)

    def _job(self, event: dict[str, Any], context: Any) -> dict[str, str | None]:  # noqa: ANN401
        """Works on a job. If time runs out first, another invocation resumes it."""
        from app.entry.aws import task_client  # noqa: PLC0415 - only the worker function runs jobs
        from app.entry.jobs import worker  # noqa: PLC0415

        def remaining() -> float:
            return math.inf if context is None else float(context.get_remaining_time_in_millis()) / 1_000

        settings = self._services.settings
        log = RequestLog(str(event.get("request_id", "")), project=event["project"], route=JOB)
        log.follow(event.get("traceparent"))
        with telemetry.logging_context(log), telemetry.log_job(log):
            move = partial(task_client.start, settings) if settings.training_task else None
            job = worker.work(self._services, event["project"], event["job"], remaining, move)
            if job is not None and job.state is JobState.RUNNING:
                self._launcher.launch(event["project"], job)
            return {"state": job.state.value if job else None}

    def _tick(self) -> dict[str, int]:
        log = RequestLog(route=TICK)
        with telemetry.logging_context(log), telemetry.log_job(log):
            return {**schedule.tick(self._services), "packed": schedule.pack_catalogs(self._services)}
