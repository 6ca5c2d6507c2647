"""A whole call over loopback: voice and pictures come back, on one timeline, alive with the voice, and leave nothing behind."""

import asyncio
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.audio import MonoResampler, read_audio_file
from realtime.model_spec import read_manifest
from realtime.weights import default_model
from server.config import ServerConfig
from server.voices import FAST, LEAD_MS
from tests.server.caller import RATE_HZ, Caller
from tests.server.conftest import StartServer, base, core, draw_slowly

SPEECH = Path(__file__).parents[1] / "fixtures" / "speech.wav"
pytestmark = pytest.mark.usefixtures("always_video")

CLOCK_HZ = {"audio": 48_000, "video": 90_000}
CALL_S = 6
FRAME_S, PACKET_S = 0.04, 0.02
FIRST_PICTURE_S = 5
FUTURE_MS = read_manifest(default_model()).future_ms
DELAY_MS = FUTURE_MS + ServerConfig().processing_ms


def speech() -> NDArray[np.int16]:
    """The shipped sentences at 48 kHz, from just before the first word on."""
    resampler = MonoResampler(RATE_HZ)
    return np.concatenate([resampler.push(read_audio_file(SPEECH), 16_000), resampler.flush()])[RATE_HZ:]


@pytest.fixture
async def call(start_server: StartServer) -> Caller:
    """Six seconds of a call in which the shipped sentences were spoken; it has ended."""
    server = await start_server()
    async with Caller(base=base(server), pcm=speech()) as caller:
        url = await caller.call()
        for t in range(CALL_S):
            caller.ping(t)
            await asyncio.sleep(1)
        await caller.http.delete(url)
    return caller


def media_s(caller: Caller, kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Arrival on the wall clock and media time of each frame's or packet's first RTP packet. Media time 0 is the first one's."""
    arrivals, times = np.array(caller.wire[kind].packets, np.float64).T
    first = np.unique(times, return_index=True)[1]
    first.sort()
    return arrivals[first], ((times[first] - times[0]) % 2**32) / CLOCK_HZ[kind]


def wall_at_media_0_s(caller: Caller, kind: str) -> NDArray[np.float64]:
    """What each sender report says about media time 0."""
    first = caller.wire[kind].packets[0][1]
    return np.array([wall_s - ((rtp - first) % 2**32) / CLOCK_HZ[kind] for wall_s, rtp in caller.wire[kind].reports])


def left_out_s(caller: Caller) -> float:
    """Pictures before the first that came, as time: a server that was busy when the call began leaves some out."""
    wall_0 = {kind: float(np.median(wall_at_media_0_s(caller, kind))) for kind in CLOCK_HZ}
    return FRAME_S * round((wall_0["video"] - wall_0["audio"]) / FRAME_S)


async def test_one_call(call: Caller) -> None:
    """One call, looked at from every side: starting a server for each would take longer than what is looked at."""
    _both_streams_flow_from_media_time_0(call)
    _the_voice_leaves_as_much_before_its_picture_as_it_takes_longer_to_be_heard(call)
    _sender_reports_map_both_streams_to_one_media_clock(call)
    _the_voice_is_the_caller_s(call)
    _the_portrait_moves(call)
    _the_channel_says_what_it_should(call)


def _both_streams_flow_from_media_time_0(call: Caller) -> None:
    for kind, step_s, least in (("audio", PACKET_S, 0.98), ("video", FRAME_S, 0.85)):
        _, media = media_s(call, kind)
        steps = np.diff(media) / step_s
        assert np.allclose(steps, np.round(steps), atol=1e-3), f"{kind} is off its grid"
        assert len(media) >= least * (media[-1] / step_s), f"{kind}: {len(media)} in {media[-1]:.1f} s"
        assert media[-1] > CALL_S - 1.5


def _the_voice_leaves_as_much_before_its_picture_as_it_takes_longer_to_be_heard(call: Caller) -> None:
    wall_0 = np.median(wall_at_media_0_s(call, "audio"))
    late_s = {}
    for kind in CLOCK_HZ:
        arrivals, media = media_s(call, kind)
        late_s[kind] = float(np.median(arrivals - wall_0 - media))
    late_s["video"] -= left_out_s(call)
    hello = next(message for message in call.messages if message["type"] == "hello")
    assert late_s["video"] == pytest.approx(hello["delay_ms"] / 1000, abs=0.03)
    assert late_s["audio"] == pytest.approx((hello["delay_ms"] - LEAD_MS[FAST]) / 1000, abs=0.03)
    assert late_s["video"] - late_s["audio"] == pytest.approx(LEAD_MS[FAST] / 1000, abs=0.015)


def _sender_reports_map_both_streams_to_one_media_clock(call: Caller) -> None:
    reports = {kind: wall_at_media_0_s(call, kind) for kind in CLOCK_HZ}
    for kind, walls in reports.items():
        assert len(walls) >= 3, kind
        assert np.ptp(walls) < 1e-3, f"{kind}'s reports disagree by {np.ptp(walls):.3f} s"
    assert 0 <= left_out_s(call) < 1
    assert reports["audio"][0] == pytest.approx(reports["video"][0] - left_out_s(call), abs=1e-3)


def _the_voice_is_the_caller_s(call: Caller) -> None:
    """A sentence comes back as it was spoken, in its place on the timeline. (Two encoders leave 0.8 of its waveform.)"""
    returned = np.concatenate(call.sound).astype(np.float64)
    spoken = speech().astype(np.float64)
    shifts = range(int(-0.06 * RATE_HZ), int(0.15 * RATE_HZ), 4)  # before 0: the microphone began before the server's clock
    found = []
    for begin_s in (0.5, 1.1, 1.7):  # a busy machine may leave something out in one of them
        begin, end = int(begin_s * RATE_HZ), int((begin_s + 0.6) * RATE_HZ)
        fits = [_likeness(returned[begin:end], spoken[begin - shift : end - shift]) for shift in shifts]
        found.append((max(fits), 1000 * shifts[int(np.argmax(fits))] / RATE_HZ))
    assert max(found)[0] > 0.6, f"likeness and shift in ms: {found}"


def _likeness(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def _the_portrait_moves(call: Caller) -> None:
    moved = np.abs(np.diff(np.stack(call.pictures).astype(int), axis=0)).mean((1, 2, 3))
    assert moved.max() > 0.1


def _the_channel_says_what_it_should(call: Caller) -> None:
    hello, *others = call.messages
    assert hello == {
        "type": "hello",
        "version": 1,
        "future_audio_ms": FUTURE_MS,
        "delay_ms": DELAY_MS,
        "fps": 25,
        "size": 256,
        "portrait": "eileen-collins",
    }
    stats = [message for message in others if message["type"] == "stats"]
    assert len(stats) >= CALL_S - 2
    assert stats[-1]["frames"] + stats[-1]["repeated"] == pytest.approx(stats[-1]["media_ms"] / 40 - 4, abs=6)
    assert {message["t"] for message in others if message["type"] == "pong"} >= {1, 2, 3}


async def test_pictures_flow_before_anybody_speaks(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        await caller.call()
        async with asyncio.timeout(FIRST_PICTURE_S):
            await caller.wire["video"].began.wait()


async def test_a_caller_without_a_channel_is_served(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server), wants_channel=False) as caller:
        await caller.call()
        await asyncio.sleep(1)
        assert len(caller.wire["video"].packets) > 10
        assert caller.messages == []


async def test_a_microphone_that_sends_nothing_is_silence(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server), pcm=np.zeros(0, np.int16)) as caller:
        await caller.call()
        await asyncio.sleep(1.5)
        for kind, step_s in (("audio", PACKET_S), ("video", FRAME_S)):
            _, media = media_s(caller, kind)
            assert media[-1] > 0.6, kind
            assert len(media) > 0.8 * media[-1] / step_s, kind
        assert np.abs(np.concatenate(caller.sound)).max() < 10


async def test_the_voice_never_waits_for_a_slow_picture(start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await start_server()
    draw_slowly(monkeypatch)
    async with Caller(base=base(server)) as caller:
        await caller.call()
        await asyncio.sleep(3)
        arrivals, media = media_s(caller, "audio")
        late_s = arrivals - np.median(wall_at_media_0_s(caller, "audio")) - media
        assert np.median(late_s) == pytest.approx((DELAY_MS - LEAD_MS[FAST]) / 1000, abs=0.03)
        assert late_s[-1] < 0.3
        stats = [message for message in caller.messages if message["type"] == "stats"]
        assert stats[-1]["dropped"] > 10
        _, pictures = media_s(caller, "video")
        assert pictures[-1] > media[-1] - 1.0, "pictures are those of now, not of long ago"  # one in 0.5 s is sent


async def test_candidates_may_trickle(start_server: StartServer) -> None:
    server = await start_server()
    async with Caller(base=base(server)) as caller:
        offer = await caller.offer()
        lines = offer.split("\r\n")
        trickled = [line for line in lines if line.startswith(("a=mid:0", "a=candidate:"))]
        await caller.call("\r\n".join(line for line in lines if not line.startswith(("a=candidate:", "a=end-of"))), trickled)


async def test_twenty_calls_leave_nothing(start_server: StartServer) -> None:
    server = await start_server()

    async def call_once() -> None:
        async with Caller(base=base(server)) as caller:
            await caller.http.delete(await caller.call())

    await call_once()  # what is opened once and kept
    before = _belongings()
    for _ in range(20):
        await call_once()
    await asyncio.sleep(0.3)
    engine = core(server).engine
    assert not core(server).sessions
    assert engine is not None
    assert engine.n_sessions == 0
    tasks, files, threads = np.subtract(_belongings(), before)
    assert tasks <= 2, f"{tasks} tasks are left"
    assert files <= 2, f"{files} open files are left"
    assert threads <= 2, f"{threads} threads are left"


def _belongings() -> tuple[int, int, int]:
    """Tasks, open files and threads of this process."""
    return len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))  # noqa: PTH208
