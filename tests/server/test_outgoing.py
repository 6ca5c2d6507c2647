"""What goes out: encoders, the tracks that release packets when they are due, and the strand that pictures are drawn on."""

import asyncio
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from realtime.clock import MonotonicClock
from realtime.pacing import ReleaseSchedule
from server.encoders import EncodedPacket, OpusEncoder, Vp8Encoder
from server.fan_out import VOICE_OF, FanOut
from server.picture_rungs import PictureRungs
from server.strand import Strand, drawing_threads
from server.tracks import MAX_OVERDUE_S, MAX_RESENT_BYTES, RESENT_BYTES, ReleasedTrack
from server.voices import FAST, LEAD_MS, MIDDLE, SLOW
from tests.unit.fake_clock import FakeClock

SIDE = 256
INTER = 0x01  # RFC 6386, 9.1: the first bit of a frame that needs others


def picture(index: int) -> NDArray[np.uint8]:
    """A moving pattern."""
    y, x = np.mgrid[:SIDE, :SIDE]
    waves = 127 + 120 * np.sin((x + 3 * index) / 9.0) * np.cos(y / 11.0)
    return np.repeat(waves.astype(np.uint8)[..., None], 3, axis=2)


def is_keyframe(packet: EncodedPacket) -> bool:
    return not bytes(packet)[0] & INTER


def test_only_the_first_picture_and_those_asked_for_are_keyframes() -> None:
    encoder, keyframes = Vp8Encoder(SIDE), []
    for index in range(40):
        if index == 20:
            encoder.request_keyframe()
        packet = encoder.encode(picture(index), index * 40)
        assert packet.pts == index * 40 * 90
        if is_keyframe(packet):
            keyframes.append(index)
    assert keyframes == [0, 20]


@pytest.mark.parametrize(("limit_bps", "at_most_bps"), [(150_000, 250_000), (1, 120_000)])
def test_the_receiver_s_estimate_is_followed(limit_bps: int, at_most_bps: int) -> None:
    encoder = Vp8Encoder(SIDE)
    free = sum(len(bytes(encoder.encode(picture(i), 40 * i))) for i in range(50))
    encoder.limit(limit_bps)
    for i in range(50, 75):
        encoder.encode(picture(i), 40 * i)
    limited = sum(len(bytes(encoder.encode(picture(i), 40 * i))) for i in range(75, 125))
    assert limited < free
    assert limited * 8 / 2 < at_most_bps


def test_opus_packets_carry_20_ms_each_and_their_place() -> None:
    encoder = OpusEncoder()
    decoder = av.CodecContext.create("libopus", "r")
    tone = (8000 * np.sin(np.arange(4800) * 0.05)).astype(np.int16)
    packets = [packet for i in range(5) for packet in encoder.encode(tone[960 * i : 960 * (i + 1)], 960 * i)]
    assert [packet.pts for packet in packets] == [0, 960, 1920, 2880, 3840]
    assert [frame.samples for packet in packets for frame in decoder.decode(packet)] == [960] * 5


async def test_a_packet_leaves_when_its_media_time_is_due() -> None:
    schedule = ReleaseSchedule(clock=MonotonicClock(), delay_ms=60)
    track = ReleasedTrack("audio", schedule)
    schedule.start()
    began = time.monotonic()
    for index in range(5):
        track.put(20 * index, OpusEncoder().encode(np.zeros(960, np.int16), 0)[0])
    left = []
    for _ in range(5):
        await track.recv()
        left.append(1000 * (time.monotonic() - began))
    assert all(when >= 60 + 20 * index - 1 for index, when in enumerate(left)), left
    assert left[-1] < 60 + 20 * 4 + 60, left


@pytest.mark.parametrize("voice", [FAST, MIDDLE, SLOW])
async def test_a_voice_leaves_by_its_lead_before_its_picture(voice: int) -> None:
    clock = FakeClock()
    schedule = ReleaseSchedule(clock=clock, delay_ms=100)
    out = FanOut(schedule=schedule, pictures=PictureRungs(SIDE))
    outlet = out.open()
    rung = next(rung for rung, of_rung in VOICE_OF.items() if of_rung == voice)
    out.set_rung(outlet, rung, 0, None)
    schedule.start()
    late_ms: dict[str, float] = {}
    outlet.voice.on_sent = lambda _, late_s: late_ms.update(voice=1000 * late_s)
    outlet.picture.on_sent = lambda _, late_s: late_ms.update(picture=1000 * late_s)
    out.put_voice(voice, 400, av.Packet(b"voice"))
    out.put_pictures(400, {outlet.kind: av.Packet(b"picture")})
    clock.now_s = 0.5  # the picture's moment
    await outlet.voice.recv()
    await outlet.picture.recv()
    assert late_ms == pytest.approx({"voice": LEAD_MS[voice], "picture": 0})


async def test_a_picture_s_rate_follows_loss_as_well_as_the_estimate_and_the_weakest_counts() -> None:
    clock = FakeClock()
    pictures = PictureRungs(SIDE)
    out = FanOut(schedule=ReleaseSchedule(clock=clock, delay_ms=0), pictures=pictures)
    lossy, fine = out.open(), out.open()
    limits: list[int] = []
    pictures.limit = lambda _, bps: limits.append(bps)  # type: ignore[method-assign,assignment]
    fine.picture.limit_bitrate(900_000)
    for second in range(3):
        clock.now_s = float(second)
        lossy.picture.note_loss(0.2, 50 * second)
        lossy.picture.sent_bytes += 50_000
    assert limits[0] == 900_000
    assert limits[-1] == lossy.limit_bps
    assert limits[-1] < 900_000
    lossy.picture.limit_bitrate(100_000)
    assert limits[-1] == 100_000, "the less of both"
    out.close(lossy)
    assert limits[-1] == 900_000


async def test_a_track_that_ends_lets_its_receiver_go() -> None:
    track = ReleasedTrack("video", ReleaseSchedule(clock=FakeClock(), delay_ms=0))
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    track.stop()
    with pytest.raises(MediaStreamError):
        await waiting
    with pytest.raises(MediaStreamError):
        await track.recv()


async def test_what_the_network_does_not_take_does_not_pile_up() -> None:
    clock = FakeClock()
    schedule = ReleaseSchedule(clock=clock, delay_ms=200)
    track, losses = ReleasedTrack("video", schedule), []
    track.on_loss = lambda: losses.append(clock.now_s)
    schedule.start()
    packet = Vp8Encoder(SIDE).encode(picture(0), 0)
    for index in range(1000):
        clock.now_s = index * 0.04
        track.put(index * 40, packet)
    assert len(track._packets) <= (MAX_OVERDUE_S + 0.2) / 0.04 + 2
    assert len(losses) == 1000 - len(track._packets)
    assert await track.recv() is packet


async def test_lost_packets_are_sent_again_up_to_a_share_of_what_is_sent() -> None:
    schedule = ReleaseSchedule(clock=MonotonicClock(), delay_ms=0)
    schedule.start()
    track, refused = ReleasedTrack("video", schedule), 0

    def count() -> None:
        nonlocal refused
        refused += 1

    track.on_refused = count
    assert track.grant_resending(15) == 15
    assert track.grant_resending(50) == MAX_RESENT_BYTES // RESENT_BYTES - 15
    assert track.grant_resending(1) == 0
    assert refused == 2
    for _ in range(4):
        track.put(0, av.Packet(bytes(RESENT_BYTES)))
        await track.recv()
    assert track.grant_resending(3) == 1, "of four packets a quarter"
    track.put(0, av.Packet(bytes(100 * RESENT_BYTES)))
    await track.recv()
    track.put(0, av.Packet(b"waits"))
    track.pause()
    assert track.grant_resending(1) == 0
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(track.recv(), 0.05)


@pytest.mark.parametrize(("cores", "threads"), [(0.5, 2), (1, 2), (2, 2), (2.5, 3), (4, 4), (64, 8)])
def test_there_are_as_many_threads_as_cores_within_bounds(cores: float, threads: int) -> None:
    assert drawing_threads(cores) == threads


def test_a_strand_s_work_is_done_in_order_one_at_a_time() -> None:
    done: list[int] = []
    busy = threading.Lock()

    def work(number: int) -> int:
        assert busy.acquire(blocking=False), "two at a time"
        time.sleep(0.001)
        done.append(number)
        busy.release()
        return number

    with ThreadPoolExecutor(4) as pool:
        strand = Strand(pool)
        futures = [strand.submit(work, number) for number in range(100)]
        assert [future.result(5) for future in futures] == list(range(100))
    assert done == list(range(100))


def test_strands_take_turns_on_the_pool() -> None:
    order: list[str] = []
    gate = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(gate.wait)
        one, other = Strand(pool), Strand(pool)
        futures: list[Future[None]] = [one.submit(order.append, "one") for _ in range(3)]
        futures += [other.submit(order.append, "other") for _ in range(3)]
        gate.set()
        for future in futures:
            future.result(5)
    assert order == ["one", "other"] * 3


def test_an_error_on_a_strand_is_its_caller_s_and_the_rest_goes_on() -> None:
    with ThreadPoolExecutor(1) as pool:
        strand = Strand(pool)
        broken, fine = strand.submit(lambda: 1 / 0), strand.submit(lambda: 7)
        with pytest.raises(ZeroDivisionError):
            broken.result(5)
        assert fine.result(5) == 7
