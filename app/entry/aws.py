"""Lambda's door: names the kind of event and hands it on; HTTP goes to Mangum. Anything unknown is an error."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from mangum import Mangum

from app import telemetry
from app.api.application import create_application
from app.config import Settings
from app.domain import ModelVersion, VersionState
from app.entry import issuer_client, tracing
from app.errors import NotTrainable, TrainingUnavailable
from app.telemetry import Work
from app.wiring import wire

if TYPE_CHECKING:
    from app.entry.websocket import Live

TRAIN, TICK = "train", "tick"
EVENTS_STREAM = "aws:dynamodb"


class WorkerLauncher:
    """Hands a training to the worker function, which is made of the same image."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def launch(self, project: str, version: ModelVersion, *, force: bool) -> None:
        if self._settings.worker_function is None:
            raise TrainingUnavailable("No worker function is set (SERENDIP_WORKER_FUNCTION).")
        from app.entry.worker_client import invoke  # noqa: PLC0415 - most requests never train

        work = telemetry.current()
        invoke(
            self._settings,
            {
                "serendip": TRAIN,
                "project": project,
                "version": version.version,
                "force": force,
                "request_id": work.request_id,
                "traceparent": work.traceparent,
            },
        )


telemetry.configure()
_settings = Settings.from_environment(os.environ)
_provider = tracing.provider(_settings)
_wired = wire(_settings, WorkerLauncher(_settings), issuer_client.fetch, tracing.tracer(_provider))
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
    if event.get("serendip") == TRAIN:
        return _train(event)
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
    from app.entry.websocket import Live  # noqa: PLC0415

    return Live(_wired.services)


def _train(event: dict[str, Any]) -> dict[str, str]:
    work = Work(str(event.get("request_id", "")), project=event["project"], route=TRAIN)
    work.follow(event.get("traceparent"))
    with telemetry.doing(work), telemetry.told_job(work):
        train = _wired.services.train
        version = train.get(event["project"], event["version"])
        try:
            state = train.run(event["project"], version, force=bool(event.get("force"))).state
        except NotTrainable:  # the version says so to who asked for it; nothing is lost and nobody need be alarmed
            state = VersionState.FAILED
        return {"state": state.value}


def _tick() -> dict[str, int]:
    work = Work(route=TICK)
    with telemetry.doing(work), telemetry.told_job(work):
        return {"refreshed": _wired.services.lists.refresh_due()}


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
