"""Log one JSON line for each request, message and job, and pass its trace on to the processes that it starts.

In Lambda the line is also in CloudWatch's embedded metric format (EMF), so metrics need no agent and no call.
"""

import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import blake2b
from secrets import token_hex
from threading import Lock
from time import perf_counter, time
from typing import Any

import orjson
from opentelemetry import trace

NAMESPACE = "Serendip"
METRICS: dict[str, str] = {
    "requests": "Count",
    "client_errors": "Count",
    "server_errors": "Count",
    "latency_ms": "Milliseconds",
    "recommendations": "Count",
    "fallbacks": "Count",
    "staleness_seconds": "Seconds",
    "events": "Count",
    "read_units": "Count",
    "write_units": "Count",
    "records": "Count",
    "failures": "Count",
    "pushes": "Count",
    "event_to_list_ms": "Milliseconds",
    "shadow_overlap": "None",
}
"""Metrics and their units: rate, errors and duration of each route, and product metrics.

`staleness_seconds` is the age of the model, `event_to_list_ms` the time from an event until counters, lists and pushes
reflect it, `shadow_overlap` the share of a response's items that a shadow version would have shown too.
"""
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
TRACEPARENT_VARIABLE, REQUEST_VARIABLE = "TRACEPARENT", "REQUEST_ID"
"""Environment variables that pass trace and request id to a new process."""
WRITES = ("Put", "Update", "Delete", "BatchWrite", "TransactWrite")

logger = logging.getLogger("serendip")


@dataclass
class RequestLog:
    """What one request, message or job has done so far."""

    request_id: str = ""
    trace_id: str = field(default_factory=lambda: token_hex(16))
    span_id: str = field(default_factory=lambda: token_hex(8))
    trace_flags: str = "00"
    is_followed: bool = False
    """Whether it continues a trace that started elsewhere."""
    project: str | None = None
    route: str | None = None
    calls: int = 0
    database_seconds: float = 0.0
    read_units: float = 0.0
    write_units: float = 0.0
    events: int = 0
    recommendations: int | None = None
    """The number of items of the last list."""
    lists: int = 0
    fallbacks: int = 0
    model_version: str | None = None
    staleness_seconds: float | None = None
    shadow_version: str | None = None
    shadow_overlap: float | None = None
    started: float = field(default_factory=perf_counter)
    lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def traceparent(self) -> str:
        """W3C Trace Context with the span of this request."""
        return f"00-{self.trace_id}-{self.span_id}-{self.trace_flags}"

    @property
    def milliseconds(self) -> float:
        return (perf_counter() - self.started) * 1_000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], project: str, route: str) -> "RequestLog":
        """Starts the log of a job that another process handed over."""
        log = cls(environment.get(REQUEST_VARIABLE, ""), project=project, route=route)
        log.follow(environment.get(TRACEPARENT_VARIABLE))
        return log

    def follow(self, traceparent: str | None) -> None:
        """Joins the caller's trace; if the traceparent is not valid, this is a new trace."""
        match = TRACEPARENT.fullmatch(traceparent or "")
        if match:
            self.trace_id, self.trace_flags, self.is_followed = match[1], match[3], True

    def count_call(self, operation: str, seconds: float, units: float) -> None:
        """Counts a database call; calls of one request run in parallel."""
        with self.lock:
            self.calls += 1
            self.database_seconds += seconds
            if operation.startswith(WRITES):
                self.write_units += units
            else:
                self.read_units += units


_current: ContextVar[RequestLog | None] = ContextVar("request_log", default=None)
_warming_up: ContextVar[bool] = ContextVar("warming_up", default=False)


def current() -> RequestLog:
    """Returns the log of the current request; outside of requests, a log that is never written."""
    return _current.get() or RequestLog()


@contextmanager
def logging_context(log: RequestLog) -> Iterator[RequestLog]:
    """Makes a log the current one."""
    token = _current.set(log)
    try:
        yield log
    finally:
        _current.reset(token)


@contextmanager
def warm_up() -> Iterator[None]:
    """Suppresses logging and keeps the cold-start flag: this is a warm-up call."""
    token = _warming_up.set(True)
    try:
        yield
    finally:
        _warming_up.reset(token)


def is_warm_up() -> bool:
    return _warming_up.get()


def hashed(name: str) -> str:
    """Returns a stable digest of eight bytes for a name that must not appear in a log."""
    return blake2b(name.encode(), digest_size=8).hexdigest()


def configure() -> None:
    """Sends logs to standard output, one JSON object per line."""
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def log_fields(fields: Mapping[str, Any]) -> None:
    """Logs one line."""
    if logger.isEnabledFor(logging.INFO) and not is_warm_up():
        logger.info(orjson.dumps(fields).decode())


def log_request(log: RequestLog, method: str, status: int, *, cold_start: bool, emf: bool) -> None:
    """Logs the line of one request, for CloudWatch with the directive that turns its numbers into metrics.

    Zero values are left out (logs are billed per byte) unless EMF needs them.
    """
    values: dict[str, Any] = {
        "requests": 1,
        "client_errors": int(400 <= status < 500),  # noqa: PLR2004 - HTTP's classes
        "server_errors": int(status >= 500),  # noqa: PLR2004
        "latency_ms": round(log.milliseconds, 3),
        "read_units": log.read_units,
        "write_units": log.write_units,
        "events": log.events,
    }
    if log.recommendations is not None:
        values |= {"recommendations": log.recommendations, "fallbacks": log.fallbacks}
    if log.staleness_seconds is not None:
        values["staleness_seconds"] = round(log.staleness_seconds, 3)
    if log.shadow_overlap is not None:
        values["shadow_overlap"] = round(log.shadow_overlap, 4)
    fields = {
        "request_id": log.request_id,
        "trace_id": log.trace_id,
        "project": hashed(log.project) if log.project else None,
        "route": f"{method} {log.route}" if log.route else "none",
        "status": status,
        "cold_start": cold_start,
        "database_calls": log.calls,
        "model_version": log.model_version,
        "shadow_version": log.shadow_version,
        "fallback_used": log.fallbacks > 0,
    }
    if emf:
        log_fields({"_aws": _directive(values)} | fields | values)
    else:
        idle = {"requests"} if log.is_followed or log.trace_flags != "00" else {"requests", "trace_id"}
        log_fields({name: value for name, value in (fields | values).items() if value and name not in idle})


def log_metrics(route: str, values: Mapping[str, Any], *, emf: bool) -> None:
    """Logs metrics that belong to no request."""
    log_fields(({"_aws": _directive(values)} if emf else {}) | {"route": route, **values})


def _directive(values: Mapping[str, Any]) -> dict[str, Any]:
    metrics = [{"Name": name, "Unit": METRICS[name]} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["route"], []], "Metrics": metrics}
    return {"Timestamp": int(time() * 1_000), "CloudWatchMetrics": [directive]}


def log_failure(log: RequestLog, error: BaseException) -> None:
    """Logs the type and frames of an unexpected error, but not its message, which may contain user data."""
    frames, frame = [], error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        frames.append(f"{code.co_filename}:{frame.tb_lineno} {code.co_name}")
        frame = frame.tb_next
    log_fields(
        {
            "error": f"{type(error).__module__}.{type(error).__qualname__}",
            "request_id": log.request_id,
            "trace_id": log.trace_id,
            "frames": frames[-20:],
        }
    )


def active_span() -> tuple[str, str, str] | None:
    """Returns trace id, span id and flags of the current OpenTelemetry span, or None."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}", f"{context.trace_flags:02x}"


@contextmanager
def log_job(log: RequestLog) -> Iterator[None]:
    """Logs the line of a background job, in the trace of the request that started it."""
    outcome = "failed"
    try:
        yield
        outcome = "done"
    except Exception as error:
        log_failure(log, error)
        raise
    finally:
        log_fields(
            {
                "job": log.route,
                "outcome": outcome,
                "request_id": log.request_id,
                "trace_id": log.trace_id,
                "project": hashed(log.project) if log.project else None,
                "milliseconds": round(log.milliseconds, 3),
                "database_calls": log.calls,
                "read_units": log.read_units,
                "write_units": log.write_units,
            }
        )
