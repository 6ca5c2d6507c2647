"""What goes out: encoders, the tracks that release packets when they are due, and the strand that pictures are drawn on."""

import asyncio
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import av
import cv2
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from realtime.clock import MonotonicClock
from realtime.pacing import ReleaseSchedule
from server import encoders, libvpx
from server.encoders import EncodedPacket, OpusEncoder, Vp8Encoder
from server.fan_out import COPIED_BPS, VOICE_OF, FanOut
from server.ladder import Rung
from server.picture_codec import PictureCodec
from server.picture_rungs import Kind, PictureRungs
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


def noisy(index: int) -> NDArray[np.uint8]:
    """The same with what takes bits."""
    noise = np.random.default_rng(index).integers(-8, 8, (SIDE, SIDE, 1))
    return (picture(index).astype(int) + noise).clip(0, 255).astype(np.uint8)


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


def test_the_rate_follows_at_once_both_ways_and_costs_no_keyframe() -> None:
    """Also where it changes little: within the band in which FFmpeg's wrapper would stay where it is."""
    rates = (800_000, 600_000, 200_000, 1_500_000)
    encoder, taken = Vp8Encoder(SIDE, rates[0]), []
    for index in range(400):
        encoder.limit(rates[index // 100])
        packet = encoder.encode(noisy(index), 40 * index)
        assert is_keyframe(packet) is (index == 0)
        taken.append(len(bytes(packet)))
    for begin, asked in zip((0, 100, 200, 300), rates, strict=True):
        assert 0.85 * asked < 8 * 25 * float(np.mean(taken[begin + 25 : begin + 100])) < 1.15 * asked


def test_ffmpeg_s_wrapper_does_the_same_where_libvpx_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the keyframe that another rate costs."""
    monkeypatch.setattr(encoders, "libvpx", lambda: None)
    encoder, keyframes = Vp8Encoder(SIDE, 800_000), []
    for index in range(60):
        encoder.limit(800_000 if index < 30 else 200_000)
        if index == 15:
            encoder.request_keyframe()
        keyframes += [index] if is_keyframe(encoder.encode(picture(index), 40 * index)) else []
    assert keyframes == [0, 15, 30]


def test_libvpx_of_another_version_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number, or its structures."""
    assert libvpx.libvpx() is not None, "PyAV's wheel brings the version that server/libvpx.py was written for"
    for name, other in (("ENCODER_ABI", 40), ("DEFAULTS", {"kbps": 255})):
        with monkeypatch.context() as changed:
            changed.setattr(libvpx, name, other)
            assert libvpx.libvpx.__wrapped__() is None


def test_both_ways_to_vp8_make_the_same_of_one_rate() -> None:
    library = libvpx.libvpx()
    assert library is not None
    quality, taken = [], []
    for stream in (libvpx.LiveVp8(library, SIDE, 200_000), encoders.ReopenedVp8(SIDE, 200_000)):
        decoder, errors, taken_bytes = av.CodecContext.create("vp8", "r"), [], 0
        for index in range(60):
            cv2.cvtColor(picture(index), cv2.COLOR_BGR2YUV_I420, dst=stream.planar)
            packet = stream.encode(40 * index, keyframe=False)
            taken_bytes += len(packet)
            (shown,) = decoder.decode(av.Packet(packet))
            errors.append(np.mean((shown.to_ndarray(format="yuv420p")[:SIDE].astype(float) - stream.planar[:SIDE]) ** 2))
        quality.append(10 * np.log10(255**2 / np.mean(errors[10:])))
        taken.append(taken_bytes)
    assert quality[0] == pytest.approx(quality[1], abs=0.5)
    assert taken[0] == pytest.approx(taken[1], rel=0.1)


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
    packet = av.Packet(b"picture")
    packet.is_keyframe = True
    out.put_pictures(400, {outlet.kind: packet})
    clock.now_s = 0.5  # the picture's moment
    await outlet.voice.recv()
    await outlet.picture.recv()
    assert late_ms == pytest.approx({"voice": LEAD_MS[voice], "picture": 0})


@pytest.mark.parametrize("codec", list(PictureCodec))
async def test_a_newcomer_gets_what_is_said_from_now_on_and_first_a_whole_picture(codec: PictureCodec) -> None:
    """Nothing of before, which its connection would get all at once; and nothing that it could not decode, on another rung
    too."""
    clock = FakeClock()
    out = FanOut(schedule=ReleaseSchedule(clock=clock, delay_ms=0), pictures=PictureRungs(512))
    out.schedule.start()
    first, newcomer = out.open(), out.open(begun=False)
    first.codec = newcomer.codec = codec
    image = np.zeros((512, 512, 3), np.uint8)

    def draw(frame: int) -> None:
        out.put_voice(FAST, 40 * frame, av.Packet(b"voice"))
        out.put_pictures(40 * frame, out.pictures.encode(image, 40 * frame, out.kinds))

    async def comes(track: ReleasedTrack) -> list[tuple[int, bool]]:
        packets = [await track.recv() for _ in range(len(track._packets))]
        return [(int(packet.pts or 0) // 3600, packet.is_keyframe) for packet in packets]

    clock.now_s = 0.4
    for frame in range(3):
        draw(frame)
    stale = out.pictures.encode(image, 120, out.kinds)
    out.begin(newcomer)
    out.put_pictures(120, stale)
    draw(4)
    draw(5)
    assert await comes(newcomer.picture) == [(4, True), (5, False)]
    assert len(newcomer.voice._packets) == 2
    assert [frame for frame, _ in await comes(first.picture)] == [0, 1, 2, 3, 4, 5]
    out.set_rung(first, Rung.HALF, 0, None)
    draw(6)
    stale = out.pictures.encode(image, 280, {Kind(codec, Rung.HALF)})
    out.set_rung(newcomer, Rung.HALF, 0, None)
    out.put_pictures(280, stale)
    draw(8)
    assert await comes(newcomer.picture) == [(6, False), (8, True)]
    assert await comes(first.picture) == [(6, True), (7, False), (8, True)]


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
        async with asyncio.timeout(0.05):
            await track.recv()


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


def test_pictures_of_which_copies_are_sent_take_no_more_than_they_need() -> None:
    """What the browser estimates is of the copies too."""
    outlet = FanOut(schedule=ReleaseSchedule(clock=FakeClock(), delay_ms=100), pictures=PictureRungs(SIDE)).open()
    outlet.estimate_bps = 3 * COPIED_BPS
    assert outlet.limit_bps == 3 * COPIED_BPS
    outlet.picture.repeats = True
    assert outlet.limit_bps == COPIED_BPS
