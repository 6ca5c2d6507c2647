"""The callers of `facewire bench capacity` against the real server: what they see is what the server shows, and when."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from realtime.model_spec import FRAME_MS
from server.bench import material
from server.bench.callers import Callers
from server.bench.light_caller import LightCaller, encode_speech
from server.bench.serving import available_cores
from server.commands.benchmarks import SPEECH
from server.processing_time import ProcessingTime
from tests.server.conftest import StartServer, base, core

APART = 5.0  # pictures a second: the server's count is of a moment longer
REPORTED_S = 2.5  # sender reports come each second


async def test_callers_see_every_picture_that_the_server_shows(start_server: StartServer) -> None:
    server = await start_server(sessions=2)
    loop = asyncio.get_running_loop()
    callers = Callers(base(server), SPEECH, available_cores()).__enter__()
    try:
        assert await loop.run_in_executor(None, callers.call, 2) is None
        await asyncio.sleep(REPORTED_S)
        before = shown(server)
        seen = await loop.run_in_executor(None, callers.measure, 3)
        after = shown(server)
        assert len(core(server).sessions) == 2
        rates = [1000 * (now[0] - then[0]) / (now[1] - then[1]) for then, now in zip(before, after, strict=True)]
        assert sorted(seen["pictures_a_second"]) == pytest.approx(sorted(rates), abs=APART)  # 25, where the machine is not busy
        assert all(5 < rate < 60 for rate in seen["voice_packets_a_second"]), seen
        assert -1 < seen["picture_late_ms"]["p50"] < 60_000
        refusal = await loop.run_in_executor(None, callers.call, 3)
        assert refusal is not None
        assert "server_full" in refusal
    finally:
        await loop.run_in_executor(None, callers.__exit__, None, None, None)  # they hang up: this loop must answer
    assert not core(server).sessions


def shown(server: TestServer) -> list[tuple[int, int]]:
    """Of each call: pictures so far, and its media time in ms."""
    figures: list[dict[str, Any]] = [session._media.figures() for session in core(server).sessions.values()]
    return [(one["frames"], one["media_ms"]) for one in figures]


async def test_a_caller_knows_when_each_picture_was_due(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine, one picture in three seconds is in time, and none comes before its moment."""
    monkeypatch.setattr(ProcessingTime, "note", lambda *_, **__: None)  # its load does not move that moment
    server = await start_server()
    key, _ = material.first_portrait(256)
    packets = encode_speech(material.read_speech(SPEECH))
    async with (
        aiohttp.ClientSession() as http,
        LightCaller(url=base(server), http=http, portrait=key, speech=packets) as caller,
    ):
        await asyncio.sleep(REPORTED_S)
        from_s = time.time()
        await asyncio.sleep(3)
        span = {"from_s": from_s, "to_s": time.time() - 0.5}
        late_ms = caller.picture.lateness_ms(delay_ms=caller.delay_ms, step_ms=FRAME_MS, **span)
        assert caller.delay_ms == core(server).delay_ms
    assert len(late_ms) > 50
    assert -2 < late_ms.min() < 30
