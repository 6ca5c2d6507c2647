"""Offers of every kind: those that are none get a clear 400 and leave nothing, unusual ones work, and the server goes on."""

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from server.config import Limits
from server.errors import Refusal
from server.offer import check_offer
from tests.server import offers
from tests.server.caller import PACKET, Caller
from tests.server.conftest import StartServer, base, core

FILES = sorted((Path(__file__).parents[1] / "fixtures" / "offers").glob("*.sdp"))
CHROMIUM = FILES[0].read_bytes().decode()
MEDIA_S = 10
ROUGH = 60  # offers with lines spoilt by chance


@pytest.mark.parametrize("name", offers.malformed(CHROMIUM))
def test_a_browser_s_offer_so_spoilt_is_refused_before_anything_is_built_on_it(name: str) -> None:
    sdp = offers.malformed(CHROMIUM)[name]
    if len(sdp) > Limits().offer_bytes:
        return  # refused while it comes: below
    with pytest.raises(Refusal) as refused:
        check_offer(sdp, Limits())
    assert refused.value.status == 400
    assert str(refused.value)


@pytest.mark.parametrize("name", offers.doubtful(CHROMIUM))
def test_a_browser_s_offer_so_changed_is_taken_or_refused(name: str) -> None:
    with contextlib.suppress(Refusal):  # any other error is one of ours
        check_offer(offers.doubtful(CHROMIUM)[name], Limits())


@pytest.mark.parametrize("name", offers.unusual(CHROMIUM))
def test_a_browser_s_unusual_offer_is_taken(name: str) -> None:
    check_offer(offers.unusual(CHROMIUM)[name], Limits())


@pytest.mark.parametrize("recorded", [file.read_bytes().decode() for file in FILES], ids=[file.stem for file in FILES])
async def test_recorded_offers_are_answered(start_server: StartServer, recorded: str) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        response = await caller.post(recorded)
        answer = await response.text()
        assert response.status == 201, answer
        assert "opus/48000/2" in answer
        assert "VP8/90000" in answer
        await caller.http.delete(caller.base + response.headers["Location"])


async def test_each_is_refused_and_nothing_is_left(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        good = await caller.offer()
        before = len(asyncio.all_tasks())
        for name, sdp in offers.malformed(good).items():
            began = time.monotonic()
            response = await caller.post(sdp)
            assert response.status in (400, 413), f"{name}: {response.status}"
            assert (await response.json())["error"]["message"]
            assert time.monotonic() - began < 1, name
        await _nothing_is_left(server, before)
        assert (await caller.post(good)).status == 201


async def test_doubtful_ones_break_nothing(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        good = await caller.offer()
        before = len(asyncio.all_tasks())
        for name, sdp in offers.doubtful(good).items():
            assert await _take_or_refuse(caller, sdp) in (201, 400), name
        statuses = [await _take_or_refuse(caller, offers.spoilt(good, seed)) for seed in range(ROUGH)]
        assert set(statuses) == {201, 400}
        await _nothing_is_left(server, before)
        assert (await caller.post(good)).status == 201


async def test_unusual_ones_are_calls(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as first:
        names = list(offers.unusual(await first.offer()))
    for name in names:
        async with Caller(base=base(server)) as caller:
            url = await caller.call(offers.unusual(await caller.offer())[name])
            async with asyncio.timeout(MEDIA_S):
                while not (caller.received["audio"] and caller.received["video"]):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert len(caller.sound[0]) == PACKET, f"{name}: not Opus"
            async with caller.http.delete(url) as ended:
                assert ended.status == 200, name
    await _nothing_is_left(server, len(asyncio.all_tasks()))


async def _take_or_refuse(caller: Caller, sdp: str) -> int:
    """The status; a call that was taken is ended."""
    response = await caller.post(sdp)
    if response.status == 201:
        await caller.http.delete(caller.base + response.headers["Location"])
    return response.status


async def _nothing_is_left(server: TestServer, tasks_before: int) -> None:
    engine = core(server).engine
    assert engine is not None
    await asyncio.sleep(0.5)
    assert not core(server).sessions
    assert engine.n_sessions == 0
    assert len(asyncio.all_tasks()) <= tasks_before + 1
