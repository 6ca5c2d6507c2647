"""Sound and pictures → the packets that go out: Opus and VP8, encoded here so that bit rates and keyframes are ours to set."""

from fractions import Fraction
from typing import Any, TypeAlias

import av
import cv2
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

EncodedPacket: TypeAlias = "av.Packet[Any]"  # generic to a type checker alone

AUDIO_RATE_HZ = 48_000
AUDIO_TIME_BASE = Fraction(1, AUDIO_RATE_HZ)
VIDEO_TIME_BASE = Fraction(1, 90_000)
MIN_VIDEO_BPS, MAX_VIDEO_BPS = 60_000, 2_500_000
REOPEN_BELOW, REOPEN_ABOVE = 0.65, 1.8  # libvpx takes another rate only with a new encoder, which costs a keyframe


class OpusEncoder:
    """48 kHz mono, one packet for each block of 20 ms, in-band FEC on."""

    def __init__(self, bits_per_second: int = 32_000) -> None:
        codec = av.CodecContext.create("libopus", "w")
        codec.sample_rate, codec.layout, codec.format = AUDIO_RATE_HZ, "mono", "s16"
        codec.bit_rate, codec.time_base = bits_per_second, AUDIO_TIME_BASE
        codec.options = {"application": "voip", "frame_duration": "20", "fec": "1", "packet_loss": "5", "compression_level": "5"}
        self._codec = codec

    def encode(self, pcm: NDArray[np.int16], start: int) -> list[EncodedPacket]:
        """A block [960] that begins at sample `start` of the call."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE_HZ, start, AUDIO_TIME_BASE
        return [_packet(bytes(packet), start, AUDIO_TIME_BASE) for packet in self._codec.encode(frame)]


class Vp8Encoder:
    """One picture in, one packet out, at once. Owned by one call; used by one thread at a time."""

    def __init__(self, side: int, bits_per_second: int = 700_000, least_bps: int = MIN_VIDEO_BPS) -> None:
        self._side, self._least_bps = side, least_bps
        self._wanted_bps = self._bps = bits_per_second
        self._keyframe = False
        self._codec: av.CodecContext | None = None

    def limit(self, bits_per_second: int) -> None:
        """The receiver's estimate of what it can take."""
        self._wanted_bps = max(self._least_bps, min(MAX_VIDEO_BPS, bits_per_second))

    def request_keyframe(self) -> None:
        self._keyframe = True

    def encode(self, image: NDArray[np.uint8], media_ms: int) -> EncodedPacket:
        """BGR [S, S, 3] of media time `media_ms`."""
        if self._codec is None or not REOPEN_BELOW < self._wanted_bps / self._bps < REOPEN_ABOVE:
            self._codec = self._open(self._wanted_bps)
        planar = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planar, format="yuv420p")
        frame.pts, frame.time_base = media_ms * 90, VIDEO_TIME_BASE
        if self._keyframe:
            frame.pict_type, self._keyframe = PictureType.I, False
        data = b"".join(bytes(packet) for packet in self._codec.encode(frame))  # type: ignore[attr-defined]
        return _packet(data, media_ms * 90, VIDEO_TIME_BASE)

    def _open(self, bits_per_second: int) -> av.CodecContext:
        self._bps = bits_per_second
        codec = av.CodecContext.create("libvpx", "w")
        codec.width = codec.height = self._side
        codec.pix_fmt, codec.time_base, codec.thread_count = "yuv420p", VIDEO_TIME_BASE, 1
        codec.bit_rate, codec.gop_size, codec.qmin, codec.qmax = bits_per_second, 3000, 4, 52
        rate = str(bits_per_second)
        codec.options = {
            "deadline": "realtime",
            "cpu-used": "-6",
            "lag-in-frames": "0",
            "minrate": rate,
            "maxrate": rate,
            "bufsize": rate,
            "undershoot-pct": "100",
            "overshoot-pct": "15",
            "static-thresh": "1",
        }
        return codec


def _packet(data: bytes, pts: int, time_base: Fraction) -> EncodedPacket:
    packet = av.Packet(data)
    packet.pts, packet.time_base = pts, time_base
    return packet
