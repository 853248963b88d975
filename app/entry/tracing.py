"""OpenTelemetry's SDK, imported only if a collector is configured."""

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Tracer, TracerProvider

from app.config import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

SERVICE = "serendip"
HIDDEN = ("url.path", "url.query")
"""Attributes that contain user ids and whatever else clients send; `http.route` says enough."""
FLUSH_MILLISECONDS = 2_000


def provider(settings: Settings) -> TracerProvider | None:
    """The provider that sends spans to the configured collector. None if there is none."""
    if settings.otlp_endpoint is None:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import SpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider as SdkProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.util.re import parse_env_headers  # noqa: PLC0415

    class HidePersonalData(SpanProcessor):
        def on_start(self, span: "Span", parent_context: "Context | None" = None) -> None:  # noqa: ARG002
            for name in HIDDEN:
                if name in (span.attributes or {}):
                    span.set_attribute(name, "")

        def on_end(self, span: "ReadableSpan") -> None: ...

    sdk_provider = SdkProvider(resource=Resource.create({"service.name": SERVICE}), shutdown_on_exit=True)
    sdk_provider.add_span_processor(HidePersonalData())
    headers = (
        parse_env_headers(settings.otlp_headers.get_secret_value(), liberal=True) if settings.otlp_headers else None
    )
    exporter = OTLPSpanExporter(settings.otlp_endpoint.rstrip("/") + "/v1/traces", headers=headers)
    sdk_provider.add_span_processor(BatchSpanProcessor(exporter))
    return sdk_provider


def tracer(provider: TracerProvider | None) -> Tracer | None:
    return provider.get_tracer(SERVICE) if provider else None


def flush(provider: Any) -> None:  # noqa: ANN401 - the SDK's type, which may not be installed
    """Sends all waiting spans."""
    if provider is not None:
        provider.force_flush(FLUSH_MILLISECONDS)
