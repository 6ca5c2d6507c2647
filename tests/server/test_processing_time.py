"""The delay of a call that goes on follows the server's, by small steps, and no voice is lost by it."""

import asyncio

import numpy as np
import pytest

from server.call_media import DELAY_STEP_MS
from server.processing_time import ProcessingTime
from tests.server.caller import Caller
from tests.server.conftest import StartServer, base, core
from tests.server.test_call import media_s, speech

MORE_MS = 15


async def test_a_call_follows_the_servers_delay(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProcessingTime, "note", lambda *_, **__: None)  # the load of a test's machine has no say
    server = await start_server()
    async with Caller(base=base(server), pcm=speech()) as caller:
        await caller.call()
        hello = await caller.told("hello")
        await caller.told("stats", delay_ms=hello["delay_ms"])
        core(server).processing.ms += MORE_MS
        await caller.told("stats", delay_ms=hello["delay_ms"] + MORE_MS)
        stats = [message for message in caller.messages if message["type"] == "stats"]
        await asyncio.sleep(0.5)
    told, media_ms = (np.array([one[name] for one in stats], float) for name in ("delay_ms", "media_ms"))
    assert np.all(np.diff(told) >= 0)
    assert np.all(np.diff(told) <= DELAY_STEP_MS * np.diff(media_ms) / 20 + 2), "faster than it may be"
    _, voice_s = media_s(caller, "audio")
    assert np.diff(voice_s).max() < 0.2, "voice was left out"


async def test_the_load_is_noted(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[dict[str, float]] = []
    monkeypatch.setattr(ProcessingTime, "note", lambda _, **values: noted.append(values))
    server = await start_server()
    async with Caller(base=base(server), pcm=speech()) as caller:
        await caller.call()
        await asyncio.sleep(3.5)
        last = noted[-1]
    assert last["calls"] == 1
    assert last["busy"] == pytest.approx(max(core(server).headroom.busy.values()), abs=0.3)
    assert 0 < last["busy"] < 1.5
    assert 0 <= last["lost_share"] <= 1
