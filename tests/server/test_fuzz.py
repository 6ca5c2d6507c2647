"""Whatever comes to signalling and to the data channel: clear refusals (4xx), no error of our own, nothing left behind."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from aiortc.rtcsctptransport import WEBRTC_STRING
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.channel import MAX_ROUND_TRIP_MS, ClientChannel, LineReport
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core
from tests.unit.fake_clock import FakeClock

EXAMPLES, CHANNELS = 60, 20
LINES = (
    "v=0",
    "o=- 1 1 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0 1",
    "m=audio 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:0",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa",
    "a=fingerprint:sha-256 " + ":".join(["AA"] * 32),
    "a=sendrecv",
    "a=setup:actpass",
    "a=rtpmap:96 opus/48000/2",
    "a=rtcp-mux",
    "m=video 9 UDP/TLS/RTP/SAVPF 97",
    "a=rtpmap:97 VP8/90000",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "a=sctp-port:5000",
    "a=candidate:1 1 udp 1 127.0.0.1 9 typ host",
)
sdp_line = st.one_of(st.sampled_from(LINES), st.text(max_size=60), st.from_regex(r"\A[a-z]=[ -~]{0,40}\Z"))
body = st.one_of(st.binary(max_size=300), st.lists(sdp_line, max_size=40).map(lambda lines: "\r\n".join(lines).encode()))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
number = st.floats() | st.integers() | st.sampled_from((-1, 0, 0.5, 1, 2**53, 1e308))
line = st.fixed_dictionaries({}, optional=dict.fromkeys(("loss", "round_trip_ms", "pair_ms", "more"), number | anything))
message = st.one_of(
    st.text(max_size=1200),
    st.binary(max_size=1200),
    anything.map(json.dumps),
    st.fixed_dictionaries(
        {"type": st.sampled_from(("ping", "me", "mode", "hello", "")) | anything},
        optional={"t": anything, "name": anything, "muted": anything, "want": anything, "line": anything},
    ).map(json.dumps),
    st.builds(lambda t, line: json.dumps({"type": "ping", "t": t, "line": line}), number, line),
)
label = st.text(st.characters(codec="ascii"), max_size=60)  # aiortc, as the client, writes others with a wrong length
Ask = Callable[[aiohttp.ClientSession], Awaitable[Any]]


def drawn(strategy: st.SearchStrategy[Any], count: int = EXAMPLES) -> list[Any]:
    """Examples of a strategy, always the same, for tests that keep one server for all."""
    found: list[Any] = []

    @settings(max_examples=count, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


async def nothing_is_left(server: TestServer) -> None:
    engine = core(server).engine
    assert engine is not None
    async with asyncio.timeout(3):
        while core(server).sessions or engine.n_sessions:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("path", ["/whip", "/whep", "/whip?room=x", "/api/portraits"])
async def test_bodies_of_any_kind_are_refused_clearly(
    start_server: StartServer, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = await start_server()
    kind = "image/png" if "portraits" in path else "application/sdp"
    async with aiohttp.ClientSession() as http:
        for data in drawn(body):
            async with http.post(base(server) + path, data=data, headers={"Content-Type": kind}) as answer:
                assert 400 <= answer.status < 500, (answer.status, data)
                assert (await answer.json())["error"]["message"]
    await nothing_is_left(server)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_fragments_of_any_kind_leave_a_call_as_it_is(start_server: StartServer, caplog: pytest.LogCaptureFixture) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        url = await caller.call()
        headers = {"Content-Type": "application/trickle-ice-sdpfrag"}
        for data in drawn(body):
            async with caller.http.patch(url, data=data, headers=headers) as answer:
                assert answer.status == 204 or 400 <= answer.status < 500, (answer.status, data)
        packets = len(caller.wire["audio"].packets)
        await asyncio.sleep(0.5)
        assert len(caller.wire["audio"].packets) > packets
        async with caller.http.delete(url) as ended:
            assert ended.status == 200
    await nothing_is_left(server)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_messages_of_any_kind_leave_a_call_as_it_is(start_server: StartServer, caplog: pytest.LogCaptureFixture) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        url = await caller.call()
        for data in drawn(message):
            caller.channel.send(data)
        caller.ping(4711)
        async with asyncio.timeout(10):
            while {"type": "pong", "t": 4711} not in caller.messages:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        async with caller.http.delete(url) as ended:
            assert ended.status == 200
    await nothing_is_left(server)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_channels_of_any_name_and_what_they_say_leave_a_call_as_it_is(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    """One more of ours, too, and the motion stream's, which takes nothing from a client."""
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        url = await caller.call()
        names = ["facewire", "facewire-motion", "facewire-motion", "", *drawn(label, CHANNELS)]
        opened = [caller.peer.createDataChannel(name, ordered=index % 2 == 0) for index, name in enumerate(names)]
        await asyncio.sleep(1)
        for channel, data in zip(opened, drawn(message, len(opened)), strict=False):
            if channel.readyState == "open":
                channel.send(data)
        caller.ping(4711)
        await caller.told("pong", t=4711)
        async with asyncio.timeout(5):
            while sum(channel.readyState == "open" for channel in opened) > 1:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        async with caller.http.delete(url) as ended:
            assert ended.status == 200
    await nothing_is_left(server)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_what_is_no_text_is_passed_over_and_the_call_goes_on(start_server: StartServer) -> None:
    """A channel's name, and a message: as aiortc comes, either ends the reading of the whole connection."""
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        await caller.call()
        caller.peer.createDataChannel("\u00e4" * 10)  # aiortc, as the client, counts its letters, not its bytes
        sctp: Any = caller.peer.sctp
        sctp._data_channel_queue.append((caller.channel, WEBRTC_STRING, b"\xff\xfe"))
        await sctp._data_channel_flush()
        caller.ping(1)
        await caller.told("pong", t=1)
        packets = len(caller.wire["audio"].packets)
        await asyncio.sleep(0.5)
        assert len(caller.wire["audio"].packets) > packets


@settings(max_examples=500, deadline=None)
@given(message)
def test_no_message_raises_and_what_is_taken_of_a_line_is_within_bounds(data: str | bytes) -> None:
    channel, reports = ClientChannel(FakeClock(), {}), list[LineReport]()
    channel.on_line = reports.append
    channel._hear(data)
    for report in reports:
        assert report.loss is None or 0 <= report.loss <= 1
        assert all(ms is None or 0 <= ms <= MAX_ROUND_TRIP_MS for ms in (report.round_trip_ms, report.pair_ms))
