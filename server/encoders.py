"""Sound and pictures → the packets that go out: Opus and VP8, encoded here so that bit rates and keyframes are ours to set."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, TypeAlias

import av
import cv2
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from server.libvpx import LiveVp8, libvpx

EncodedPacket: TypeAlias = "av.Packet[Any]"  # generic to a type checker alone

AUDIO_RATE_HZ = 48_000
AUDIO_TIME_BASE = Fraction(1, AUDIO_RATE_HZ)
VIDEO_TIME_BASE = Fraction(1, 90_000)
MIN_VIDEO_BPS, MAX_VIDEO_BPS = 60_000, 2_500_000
REOPEN_BELOW, REOPEN_ABOVE = 0.65, 1.8  # of a rate that costs a keyframe to change
INTER = 0x01  # RFC 6386, 9.1: the first bit of a frame that needs others


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
        self._wanted_bps = bits_per_second
        self._keyframe = False
        self._codec: LiveVp8 | ReopenedVp8 | None = None

    def limit(self, bits_per_second: int) -> None:
        """The receiver's estimate of what it can take: followed from the next picture on."""
        self._wanted_bps = max(self._least_bps, min(MAX_VIDEO_BPS, bits_per_second))

    def request_keyframe(self) -> None:
        self._keyframe = True

    def encode(self, image: NDArray[np.uint8], media_ms: int) -> EncodedPacket:
        """BGR [S, S, 3] of media time `media_ms`."""
        if self._codec is None:
            self._codec = _open_vp8(self._side, self._wanted_bps)
        self._codec.set_rate(self._wanted_bps)
        cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420, dst=self._codec.planar)
        keyframe, self._keyframe = self._keyframe, False
        data = self._codec.encode(media_ms, keyframe=keyframe)
        packet = _packet(data, media_ms * 90, VIDEO_TIME_BASE)
        packet.is_keyframe = bool(data) and not data[0] & INTER
        return packet


class ReopenedVp8:
    """What `LiveVp8` does, by FFmpeg's wrapper of libvpx, which takes another rate only with a new encoder, and so a keyframe:
    between REOPEN_BELOW and REOPEN_ABOVE of the rate it stays. planar: the picture that is encoded next, I420."""

    def __init__(self, side: int, bits_per_second: int) -> None:
        self.planar: NDArray[np.uint8] = np.zeros((3 * side // 2, side), np.uint8)
        self._side, self._bps = side, bits_per_second
        self._codec = self._open()

    def set_rate(self, bits_per_second: int) -> None:
        if not REOPEN_BELOW < bits_per_second / self._bps < REOPEN_ABOVE:
            self._bps = bits_per_second
            self._codec = self._open()

    def encode(self, media_ms: int, *, keyframe: bool) -> bytes:
        frame = av.VideoFrame.from_ndarray(self.planar, format="yuv420p")
        frame.pts, frame.time_base = media_ms * 90, VIDEO_TIME_BASE
        if keyframe:
            frame.pict_type = PictureType.I
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))  # type: ignore[attr-defined]

    def _open(self) -> av.CodecContext:
        codec = av.CodecContext.create("libvpx", "w")
        codec.width = codec.height = self._side
        codec.pix_fmt, codec.time_base, codec.thread_count = "yuv420p", VIDEO_TIME_BASE, 1
        codec.bit_rate, codec.gop_size, codec.qmin, codec.qmax = self._bps, 3000, 4, 52
        rate = str(self._bps)
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


def picture_packet(parts: Iterable[EncodedPacket], media_ms: int) -> EncodedPacket:
    """What a codec made of one picture, as one packet that knows whether it can be decoded by itself."""
    known = list(parts)
    packet = _packet(b"".join(bytes(part) for part in known), media_ms * 90, VIDEO_TIME_BASE)
    packet.is_keyframe = any(part.is_keyframe for part in known)
    return packet


def _open_vp8(side: int, bits_per_second: int) -> LiveVp8 | ReopenedVp8:
    library = libvpx()
    return ReopenedVp8(side, bits_per_second) if library is None else LiveVp8(library, side, bits_per_second)


def _packet(data: bytes, pts: int, time_base: Fraction) -> EncodedPacket:
    packet = av.Packet(data)
    packet.pts, packet.time_base = pts, time_base
    return packet
