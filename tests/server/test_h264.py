"""H264 that goes out: its keyframes, its rate, which follows while it runs, and what a decoder makes of it."""

from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from server.bench.encode import measure
from server.encoders import EncodedPacket
from server.h264 import H264Encoder

SIDE = 256
IDR, PARAMETERS = 5, 7  # H.264, table 7-1


def picture(index: int) -> NDArray[np.uint8]:
    """A pattern that moves and flickers, so that a rate is needed."""
    y, x = np.mgrid[:SIDE, :SIDE]
    waves = 127 + 100 * np.sin((x + 3 * index) / 9.0) * np.cos(y / 11.0)
    noise = np.random.default_rng(index).integers(-8, 8, (SIDE, SIDE))
    return np.repeat((waves + noise).astype(np.uint8)[..., None], 3, axis=2)


def units(packet: EncodedPacket) -> set[int]:
    """The types of its units (Annex B)."""
    return {part[0] & 31 for part in bytes(packet).split(b"\x00\x00\x01")[1:]}


def test_only_the_first_picture_and_those_asked_for_are_keyframes_with_their_parameters() -> None:
    encoder, keyframes = H264Encoder(SIDE), []
    for index in range(40):
        if index == 20:
            encoder.request_keyframe()
        packet = encoder.encode(picture(index), 40 * index)
        assert packet.pts == index * 40 * 90
        if IDR in units(packet):
            assert PARAMETERS in units(packet)
            keyframes.append(index)
    assert keyframes == [0, 20]


def test_the_rate_follows_at_once_both_ways_and_costs_no_keyframe() -> None:
    encoder, taken = H264Encoder(SIDE, 800_000), []
    for index in range(300):
        if index % 100 == 0:
            encoder.limit((800_000, 200_000, 1_500_000)[index // 100])
        packet = encoder.encode(picture(index), 40 * index)
        assert (IDR in units(packet)) is (index == 0)
        taken.append(len(bytes(packet)))
    bps = [8 * 25 * float(np.mean(taken[begin + 20 : begin + 100])) for begin in (0, 100, 200)]
    for got, asked in zip(bps, (800_000, 200_000, 1_500_000), strict=True):
        assert 0.6 * asked < got < 1.15 * asked


def test_a_decoder_shows_each_picture_at_once() -> None:
    encoder, decoder = H264Encoder(SIDE, 2_000_000), av.CodecContext.create("h264", "r")
    anything: Any = decoder
    anything.flags |= av.codec.context.Flags.low_delay
    for index in range(10):
        frames = anything.decode(av.Packet(bytes(encoder.encode(picture(index), 40 * index))))
        assert len(frames) == 1
        shown = cv2.cvtColor(frames[0].to_ndarray(format="yuv420p"), cv2.COLOR_YUV2GRAY_I420)
        assert np.abs(shown.astype(int) - picture(index)[..., 0]).mean() < 12


def test_more_bits_are_nearer_in_both_codecs() -> None:
    streams = measure([picture(index) for index in range(60)], (64, 64, 96, 64), rates_kbps=(150, 1500))
    for poor, rich in (streams[:2], streams[2:]):
        assert poor["codec"] == rich["codec"]
        assert poor["kbps"] < rich["kbps"]
        assert poor["psnr"] < rich["psnr"]
        assert poor["ssim_mouth"] < rich["ssim_mouth"]
        assert rich["encode_ms"]["n"] == 59
