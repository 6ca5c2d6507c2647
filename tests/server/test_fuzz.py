"""Whatever comes to signalling and to the data channel: clear refusals (4xx), no error of our own, nothing left behind."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.channel import ClientChannel
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core
from tests.unit.fake_clock import FakeClock

EXAMPLES = 60
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
message = st.one_of(
    st.text(max_size=1200),
    st.binary(max_size=1200),
    anything.map(json.dumps),
    st.fixed_dictionaries(
        {"type": st.sampled_from(("ping", "me", "mode", "hello", "")) | anything},
        optional={"t": anything, "name": anything, "muted": anything, "want": anything, "line": anything},
    ).map(json.dumps),
)
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


@settings(max_examples=500, deadline=None)
@given(message)
def test_no_message_raises(data: str | bytes) -> None:
    ClientChannel(FakeClock(), {})._hear(data)
