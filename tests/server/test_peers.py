"""`facewire bench peers` against two real servers: this one, by WHIP, and a plain aiortc echo, by JSON."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from realtime.errors import ConfigError
from server.bench import material
from server.bench.peers import JsonPeer, Seen, WhipPeer, delays, measure
from server.commands.benchmarks import SPEECH
from server.voices import FAST, LEAD_MS
from tests.server.conftest import StartServer, base, core


@pytest.fixture
async def echo() -> AsyncIterator[str]:
    """A server that returns what it hears, and shows nothing."""
    connections: list[RTCPeerConnection] = []

    async def offer(request: web.Request) -> web.Response:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connections.append(connection)
        connection.on("track", lambda track: connection.addTrack(track))
        await connection.setRemoteDescription(RTCSessionDescription(**await request.json()))
        await connection.setLocalDescription(await connection.createAnswer())
        return web.json_response({"type": "answer", "sdp": connection.localDescription.sdp})

    app = web.Application()
    app.router.add_post("/offer", offer)
    async with TestServer(app) as server:
        yield str(server.make_url("/offer"))
        await asyncio.gather(*(connection.close() for connection in connections))


async def test_this_server_by_whip(start_server: StartServer) -> None:
    server = await start_server()
    key, _ = material.first_portrait(256)
    peer = WhipPeer(url=f"{base(server)}/whip?portrait={key}")
    figures = await measure(peer, material.bursts(material.read_speech(SPEECH)), 6)
    assert figures["bursts"] >= 3
    future_ms = core(server).future_audio_ms  # that a picture waits for
    assert future_ms is not None
    assert figures["mic_to_voice_ms"]["p50"] > future_ms - LEAD_MS[FAST]
    assert figures["mic_to_mouth_ms"]["n"] >= 2
    assert not core(server).sessions


async def test_an_echo_by_json_takes_less_time_than_a_face(echo: str) -> None:
    figures = await measure(JsonPeer(url=echo), material.bursts(material.read_speech(SPEECH)), 6)
    assert figures["bursts"] >= 3
    assert figures["mic_to_mouth_ms"] is None


async def test_a_server_that_takes_no_offer_is_said(start_server: StartServer) -> None:
    server = await start_server()
    with pytest.raises(ConfigError, match="answered the offer with 404"):
        await measure(WhipPeer(url=f"{base(server)}/whip?portrait=nobody"), np.zeros(48_000, np.int16), 1)


def test_delays_are_from_onset_to_the_first_answer() -> None:
    rest, moved = np.zeros((32, 32), np.float32), np.full((32, 32), 9, np.float32)
    seen = Seen()
    for tick in range(500):
        at_s = 0.02 * tick
        seen.voice.append((at_s, 100.0 if 0.3 <= at_s % 2 < 0.6 else 1.0))
        seen.pictures.append((at_s, moved if 0.34 <= at_s % 2 < 0.6 else rest))
    figures = delays([0.1, 2.1, 4.1], seen)
    assert figures["mic_to_voice_ms"]["p50"] == pytest.approx(200, abs=21)
    assert figures["mic_to_mouth_ms"]["p50"] == pytest.approx(240, abs=21)
    with pytest.raises(ConfigError, match="none came back as voice"):
        delays([50.0], seen)
