"""OpenTelemetry traces, where the standard environment variables ask for them. Otherwise nothing of it is even loaded."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from realtime.clock import Clock

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from server.call_trace import CallTrace

log = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXPORTERS = ("otlp", "console", "none")
FLUSH_MS = 3000


class Tracing:
    """Where the spans of all calls go, until `close`."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("facewire")

    def call(self, clock: Clock, begun_s: float, **attributes: int) -> "CallTrace":
        """begun_s: when its request came, on the clock."""
        from server.call_trace import CallTrace

        return CallTrace(self._tracer, clock, begun_s, **attributes)

    def close(self) -> None:
        """Sends what waits; blocks for FLUSH_MS at most."""
        self._provider.force_flush(FLUSH_MS)
        self._provider.shutdown()


def from_environment(environment: Mapping[str, str]) -> Tracing | None:
    """What OTEL_TRACES_EXPORTER (otlp, console) or an OTLP endpoint asks for; None where neither does, where OTEL_SDK_DISABLED is
    true, and where the package is missing: one who sets these for a whole fleet must not find a server that does not start.
    Sampling, batching, headers and the service's name are read from their own variables by the packages."""
    wanted = exporter_of(environment)
    if wanted is None:
        return None
    try:
        provider = _provider(wanted, environment)
    except ImportError as error:
        log.warning("traces were asked for, but %s is missing: pip install 'facewire[tracing]'", error.name)
        return None
    log.info("traces go to %s", next((environment[name] for name in ENDPOINTS if environment.get(name)), wanted))
    return Tracing(provider)


def exporter_of(environment: Mapping[str, str]) -> str | None:
    """The exporter that is asked for, if any."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    named = environment.get("OTEL_TRACES_EXPORTER", "")
    if named and named not in EXPORTERS:
        log.warning("OTEL_TRACES_EXPORTER is %r, one of %s was expected: there will be no traces", named, ", ".join(EXPORTERS))
        return None
    if not named:
        return "otlp" if any(environment.get(name) for name in ENDPOINTS) else None
    return None if named == "none" else named


def _provider(exporter: str, environment: Mapping[str, str]) -> "TracerProvider":
    """Raises ImportError."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

    sends: SpanExporter
    if exporter == "console":
        sends = ConsoleSpanExporter()
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        sends = OTLPSpanExporter()
    name = {} if environment.get("OTEL_SERVICE_NAME") else {"service.name": "facewire"}
    provider = TracerProvider(resource=Resource.create(name), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(sends))
    return provider
