"""OpenTelemetry's SDK, imported only where a collector is configured."""

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Tracer, TracerProvider

from app.config import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

SERVICE = "serendip"
HIDDEN = ("url.path", "url.query")
"""Hold ids of users and whatever else a caller writes there; `http.route` says what is needed."""
FLUSH_MILLISECONDS = 2_000


def provider(settings: Settings) -> TracerProvider | None:
    """What sends spans to the configured collector; None without one."""
    if settings.otlp_endpoint is None:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import SpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider as SdkProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    class HidePersonalData(SpanProcessor):
        def on_start(self, span: "Span", parent_context: "Context | None" = None) -> None:  # noqa: ARG002
            for name in HIDDEN:
                if name in (span.attributes or {}):
                    span.set_attribute(name, "")

        def on_end(self, span: "ReadableSpan") -> None: ...

    made = SdkProvider(resource=Resource.create({"service.name": SERVICE}), shutdown_on_exit=True)
    made.add_span_processor(HidePersonalData())
    exporter = OTLPSpanExporter(settings.otlp_endpoint.rstrip("/") + "/v1/traces")
    made.add_span_processor(BatchSpanProcessor(exporter))
    return made


def tracer(provider: TracerProvider | None) -> Tracer | None:
    return provider.get_tracer(SERVICE) if provider else None


def flush(provider: Any) -> None:  # noqa: ANN401 - the SDK's type, which may not be there
    """Send what is waiting."""
    if provider is not None:
        provider.force_flush(FLUSH_MILLISECONDS)
