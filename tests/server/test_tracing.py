"""A call's spans: what a real call leaves in memory, and what reaches a collector over HTTP; without being asked, nothing."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from server.ladder import Ladder, Rung
from server.metrics import Metrics
from server.tracing import Tracing, exporter_of, from_environment
from tests.conftest import ROOT
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base
from tests.server.test_call import speech

CALL_S = 4.0
A_MS = 1_000_000  # in nanoseconds


@dataclass(kw_only=True)
class Collector:
    """Takes spans over OTLP. names: of those that came; services: that they are of."""

    url: str = ""
    names: list[str] = field(default_factory=list)
    services: set[str] = field(default_factory=set)

    async def take(self, request: web.Request) -> web.Response:
        body = ExportTraceServiceRequest.FromString(await request.read())
        for resource in body.resource_spans:
            self.services |= {one.value.string_value for one in resource.resource.attributes if one.key == "service.name"}
            self.names += [span.name for scope in resource.scope_spans for span in scope.spans]
        return web.Response()


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    taking, app = Collector(), web.Application()
    app.router.add_post("/v1/traces", taking.take)
    async with TestServer(app) as server:
        taking.url = str(server.make_url("")).rstrip("/")
        yield taking


async def one_call(start_server: StartServer, tracing: Tracing) -> None:
    server = await start_server(tracing=tracing)
    async with Caller(base=base(server), pcm=speech()) as caller:
        url = await caller.call()
        await asyncio.sleep(CALL_S)
        await caller.http.delete(url)


def of(parent: ReadableSpan, spans: Sequence[ReadableSpan]) -> list[ReadableSpan]:
    """The spans right below one, as they began."""
    assert parent.context is not None
    below = [span for span in spans if span.parent is not None and span.parent.span_id == parent.context.span_id]
    return sorted(below, key=lambda span: span.start_time or 0)


def times(span: ReadableSpan) -> tuple[int, int]:
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time, span.end_time


async def test_a_call_is_one_tree_of_spans(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ladder, "judge", lambda *_: Rung.FULL)  # every picture, however busy the machine
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    await one_call(start_server, Tracing(provider))
    spans = exporter.get_finished_spans()
    (call,) = (span for span in spans if span.name == "call")
    assert call.parent is None
    assert call.status.status_code is StatusCode.UNSET
    assert call.attributes is not None
    assert call.attributes["facewire.ending"] == "client_ended"
    phases = [span for span in of(call, spans) if span.name != "frame"]
    _follow_each_other(phases, ["offer", "connect", "first_picture"], within_ns=2 * A_MS)
    assert times(phases[0])[0] == times(call)[0]
    frames = [span for span in of(call, spans) if span.name == "frame"]
    assert 1 <= len(frames) <= CALL_S + 1  # one a second; a busy machine leaves some out
    for frame in frames:
        stages = of(frame, spans)
        _follow_each_other(stages[:-1], list(Metrics.STAGES[:-1]), within_ns=1)
        assert stages[-1].name == "send"
        assert times(stages[-1])[0] >= times(stages[-2])[1], "it is sent when it is ready"
        assert times(stages[-1])[1] == times(frame)[1]
        assert times(frame)[1] - times(frame)[0] < 1000 * A_MS
    assert len(spans) == 1 + len(phases) + len(frames) * (1 + len(Metrics.STAGES)), "spans without a place"


def _follow_each_other(spans: Sequence[ReadableSpan], names: list[str], within_ns: int) -> None:
    """They have these names, and each begins where the one before it ended."""
    assert [span.name for span in spans] == names
    for earlier, later in itertools.pairwise(spans):
        assert abs(times(later)[0] - times(earlier)[1]) <= within_ns, (earlier.name, later.name)
    assert all(times(span)[0] <= times(span)[1] for span in spans)


async def test_a_call_that_never_connects_is_a_fault(start_server: StartServer) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    server = await start_server(tracing=Tracing(provider), setup_s=0.5)
    async with Caller(base=base(server)) as caller:
        offer = await caller.offer()
        await caller.peer.close()
        assert (await caller.post(offer)).status == 201
        async with asyncio.timeout(5):
            while not (ended := {span.name: span for span in exporter.get_finished_spans()}).get("call"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert set(ended) == {"call", "offer", "connect"}
    assert ended["call"].status.status_code is StatusCode.ERROR
    assert ended["call"].status.description == "setup_timeout"


async def test_spans_reach_a_collector(start_server: StartServer, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    tracing = from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    assert tracing is not None
    await one_call(start_server, tracing)
    await asyncio.get_running_loop().run_in_executor(None, tracing.close)
    assert {"call", "offer", "first_picture", "frame", *Metrics.STAGES} <= set(collector.names)
    assert collector.services == {"facewire"}


@pytest.mark.parametrize(
    ("environment", "exporter"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, None),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, None),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, None),
    ],
)
def test_what_the_environment_asks_for(environment: dict[str, str], exporter: str | None) -> None:
    assert exporter_of(environment) == exporter


def test_a_missing_package_is_said_and_the_server_starts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert from_environment({"OTEL_TRACES_EXPORTER": "console"}) is None
    assert "pip install 'facewire[tracing]'" in caplog.text


def test_without_being_asked_nothing_of_it_is_loaded() -> None:
    code = "import server.app, sys; sys.exit(' '.join(name for name in sys.modules if name.startswith('opentelemetry')) or 0)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
