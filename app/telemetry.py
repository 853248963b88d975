"""What one request, message or job did: counted while it runs, told in one JSON line, carried on to what it starts.

In Lambda the line is at the same time CloudWatch's embedded metric format (EMF): metrics need no agent and no call.
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
"""Rate, errors and duration of each route, and what the product is judged by.

`staleness_seconds` is the model's age, `event_to_list_ms` the time from an event to counters, lists and pushes that
reflect it, `shadow_overlap` the share of an answer's items that a shadow version would have shown too.
"""
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
TRACEPARENT_VARIABLE, REQUEST_VARIABLE = "TRACEPARENT", "REQUEST_ID"
"""Carry trace and request to a process that is started for them."""
WRITES = ("Put", "Update", "Delete", "BatchWrite", "TransactWrite")

logger = logging.getLogger("serendip")


@dataclass
class RequestLog:
    """One request, message or job, as far as it got."""

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
    fallbacks: int = 0
    model_version: str | None = None
    staleness_seconds: float | None = None
    shadow_version: str | None = None
    shadow_overlap: float | None = None
    started: float = field(default_factory=perf_counter)
    lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def traceparent(self) -> str:
        """W3C Trace Context, with this work's own span."""
        return f"00-{self.trace_id}-{self.span_id}-{self.trace_flags}"

    @property
    def milliseconds(self) -> float:
        return (perf_counter() - self.started) * 1_000

    @classmethod
    def handed_over(cls, environment: Mapping[str, str], project: str, route: str) -> "RequestLog":
        """Work that another process begins with this one."""
        work = cls(environment.get(REQUEST_VARIABLE, ""), project=project, route=route)
        work.follow(environment.get(TRACEPARENT_VARIABLE))
        return work

    def follow(self, traceparent: str | None) -> None:
        """Become part of the caller's trace; anything that is no valid traceparent starts a trace of its own."""
        found = TRACEPARENT.fullmatch(traceparent or "")
        if found:
            self.trace_id, self.trace_flags, self.is_followed = found[1], found[3], True

    def called(self, operation: str, seconds: float, units: float) -> None:
        """Count a database call; calls of one request run side by side."""
        with self.lock:
            self.calls += 1
            self.database_seconds += seconds
            if operation.startswith(WRITES):
                self.write_units += units
            else:
                self.read_units += units


_current: ContextVar[RequestLog | None] = ContextVar("work", default=None)
_rehearsing: ContextVar[bool] = ContextVar("rehearsing", default=False)


def current() -> RequestLog:
    """The work that is being done here; outside of any, one that nobody reads."""
    return _current.get() or RequestLog()


@contextmanager
def doing(work: RequestLog) -> Iterator[RequestLog]:
    token = _current.set(work)
    try:
        yield work
    finally:
        _current.reset(token)


@contextmanager
def rehearsing() -> Iterator[None]:
    """Suppress logging and keep the cold-start flag: this is a warm-up call."""
    token = _rehearsing.set(True)
    try:
        yield
    finally:
        _rehearsing.reset(token)


def is_rehearsal() -> bool:
    return _rehearsing.get()


def hashed(name: str) -> str:
    """A name that must not appear in a log, as eight bytes that stay the same."""
    return blake2b(name.encode(), digest_size=8).hexdigest()


def configure() -> None:
    """Log to standard output, one JSON object a line."""
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def tell(fields: Mapping[str, Any]) -> None:
    """One line of the log."""
    if logger.isEnabledFor(logging.INFO) and not is_rehearsal():
        logger.info(orjson.dumps(fields).decode())


def tell_request(work: RequestLog, method: str, status: int, *, cold_start: bool, emf: bool) -> None:
    """The line of one request; for CloudWatch, with what makes metrics of its numbers.

    What is nothing is left out, because logs are paid by the byte; metrics need it.
    """
    values: dict[str, Any] = {
        "requests": 1,
        "client_errors": int(400 <= status < 500),  # noqa: PLR2004 - HTTP's own classes
        "server_errors": int(status >= 500),  # noqa: PLR2004
        "latency_ms": round(work.milliseconds, 3),
        "read_units": work.read_units,
        "write_units": work.write_units,
        "events": work.events,
    }
    if work.recommendations is not None:
        values |= {"recommendations": work.recommendations, "fallbacks": work.fallbacks}
    if work.staleness_seconds is not None:
        values["staleness_seconds"] = round(work.staleness_seconds, 3)
    if work.shadow_overlap is not None:
        values["shadow_overlap"] = round(work.shadow_overlap, 4)
    fields = {
        "request_id": work.request_id,
        "trace_id": work.trace_id,
        "project": hashed(work.project) if work.project else None,
        "route": f"{method} {work.route}" if work.route else "none",
        "status": status,
        "cold_start": cold_start,
        "database_calls": work.calls,
        "model_version": work.model_version,
        "shadow_version": work.shadow_version,
        "fallback_used": work.fallbacks > 0,
    }
    if emf:
        tell({"_aws": _directive(values)} | fields | values)
    else:
        idle = {"requests"} if work.is_followed or work.trace_flags != "00" else {"requests", "trace_id"}
        tell({name: value for name, value in (fields | values).items() if value and name not in idle})


def tell_metrics(route: str, values: Mapping[str, Any], *, emf: bool) -> None:
    """Numbers of work that is no request."""
    tell(({"_aws": _directive(values)} if emf else {}) | {"route": route, **values})


def _directive(values: Mapping[str, Any]) -> dict[str, Any]:
    metrics = [{"Name": name, "Unit": METRICS[name]} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["route"], []], "Metrics": metrics}
    return {"Timestamp": int(time() * 1_000), "CloudWatchMetrics": [directive]}


def tell_failure(work: RequestLog, error: BaseException) -> None:
    """An unexpected error: its type and where it was raised, but not its text, which may hold what was sent."""
    frames, frame = [], error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        frames.append(f"{code.co_filename}:{frame.tb_lineno} {code.co_name}")
        frame = frame.tb_next
    tell(
        {
            "error": f"{type(error).__module__}.{type(error).__qualname__}",
            "request_id": work.request_id,
            "trace_id": work.trace_id,
            "frames": frames[-20:],
        }
    )


def active_span() -> tuple[str, str, str] | None:
    """Trace id, span id and flags of the OpenTelemetry span around this, if there is one."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}", f"{context.trace_flags:02x}"


@contextmanager
def told_job(work: RequestLog) -> Iterator[None]:
    """The line of a job that no request waits for, in the trace of the one that started it."""
    outcome = "failed"
    try:
        yield
        outcome = "done"
    except Exception as error:
        tell_failure(work, error)
        raise
    finally:
        tell(
            {
                "job": work.route,
                "outcome": outcome,
                "request_id": work.request_id,
                "trace_id": work.trace_id,
                "project": hashed(work.project) if work.project else None,
                "milliseconds": round(work.milliseconds, 3),
                "database_calls": work.calls,
                "read_units": work.read_units,
                "write_units": work.write_units,
            }
        )
