"""The entry point of every Lambda function: builds the application once, warms it up, and dispatches events to it."""

import gc

gc.disable()  # nothing that a cold start imports is garbage: looking for some took 135 of its 900 ms

import os
from typing import Any

from app import telemetry
from app.config import Settings
from app.entry import oidc_client, tracing
from app.entry.aws import parameters
from app.entry.aws.dispatch import Dispatcher, WorkerLauncher
from app.wiring import wire

telemetry.configure()
_settings = Settings.from_environment(parameters.resolved(os.environ))
_provider = tracing.provider(_settings)
_launcher = WorkerLauncher(_settings)
_wired = wire(_settings, _launcher, oidc_client.fetch, tracing.tracer(_provider))
_dispatcher = Dispatcher(_wired.services, _launcher, _provider)


def handler(event: dict[str, Any], context: Any) -> Any:  # noqa: ANN401 - Lambda's own types
    """Handles one invocation.

    Raises:
        ValueError: the event is of an unknown kind.
    """
    try:
        return _dispatcher.dispatch(event, context)
    finally:
        tracing.flush(_provider)  # Lambda freezes the process as soon as this returns


def _warm_up() -> None:
    """Serves one request now: the first one takes tens of milliseconds longer than the next."""
    request = {"http": {"method": "GET", "path": "/health/live", "sourceIp": "127.0.0.1"}, "domainName": "init"}
    event = {
        "version": "2.0",
        "rawPath": "/health/live",
        "rawQueryString": "",
        "headers": {},
        "requestContext": request,
    }
    with telemetry.warm_up():
        handler(event, None)


_warm_up()
gc.freeze()  # all of this stays: later collections only look at what requests leave behind
gc.enable()
