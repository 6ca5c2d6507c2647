"""Pictures → H264, for receivers that put it before VP8 or take nothing else: x264 at its quickest that still looks well, its
rate changed while it runs.

x264 as a library opens it would cost several times as much (preset medium), and look half a second ahead. Its rate follows a
change without a keyframe where it was opened with the highest rate, for its buffer too, and the wanted one is set after that; a
rate above the one it was opened with it does not take.
"""

from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from server.encoders import MAX_VIDEO_BPS, MIN_VIDEO_BPS, VIDEO_TIME_BASE, EncodedPacket, picture_packet

BUFFER_BITS = 400_000  # more, and one moving second makes a queue; less, and high rates are not reached
OPTIONS = {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline"}


class H264Encoder:
    """One picture in, one packet out, at once, parameter sets with each keyframe. Owned by one call; used by one thread at a
    time."""

    def __init__(self, side: int, bits_per_second: int = 700_000, least_bps: int = MIN_VIDEO_BPS) -> None:
        self._side, self._least_bps, self._keyframe = side, least_bps, False
        self._wanted_bps = bits_per_second
        self._codec: Any = None

    def limit(self, bits_per_second: int) -> None:
        """The receiver's estimate of what it can take: followed from the next picture on."""
        self._wanted_bps = max(self._least_bps, min(MAX_VIDEO_BPS, bits_per_second))

    def request_keyframe(self) -> None:
        self._keyframe = True

    def encode(self, image: NDArray[np.uint8], media_ms: int) -> EncodedPacket:
        """BGR [S, S, 3] of media time `media_ms`."""
        if self._codec is None:
            self._codec = _open(self._side)
        self._codec.bit_rate = self._wanted_bps
        planar = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planar, format="yuv420p")
        frame.pts, frame.time_base = media_ms * 90, VIDEO_TIME_BASE
        if self._keyframe:
            frame.pict_type, self._keyframe = PictureType.I, False
        return picture_packet(self._codec.encode(frame), media_ms)


def _open(side: int) -> Any:
    codec: Any = av.CodecContext.create("libx264", "w")
    codec.width = codec.height = side
    codec.pix_fmt, codec.time_base, codec.framerate = "yuv420p", VIDEO_TIME_BASE, Fraction(25)
    codec.thread_count, codec.gop_size, codec.bit_rate = 1, 3000, MAX_VIDEO_BPS
    codec.options = {**OPTIONS, "maxrate": str(MAX_VIDEO_BPS), "bufsize": str(BUFFER_BITS)}
    codec.open()
    return codec
