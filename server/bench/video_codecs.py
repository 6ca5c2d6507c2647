"""Pictures through a video codec and back, as a listener would see them, and what each took."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.model_spec import FRAME_MS
from server.encoders import Vp8Encoder

Picture = NDArray[np.uint8]
Encode = Callable[[Picture, int], bytes]


class VideoTrial:
    """One codec at one rate. State: the encoder, the decoder, the picture that stands."""

    def __init__(self, codec: str, side: int, bits_per_second: int) -> None:
        """codec: "vp8" or "h264"."""
        self._encode = _vp8(side, bits_per_second) if codec == "vp8" else _h264(side, bits_per_second)
        self._decoder: Any = av.CodecContext.create(codec, "r")
        self._decoder.thread_count = 1
        if codec == "h264":
            self._decoder.flags |= av.codec.context.Flags.low_delay
        self._shown = np.zeros((side, side, 3), np.uint8)

    def push(self, picture: Picture, index: int) -> tuple[Picture, int]:
        """A picture (BGR) → what a listener then sees, and the bytes that it took."""
        data = self._encode(picture, index * FRAME_MS)
        for frame in self._decoder.decode(av.Packet(data)) if data else []:
            planar = frame.to_ndarray(format="yuv420p")
            self._shown = np.asarray(cv2.cvtColor(planar, cv2.COLOR_YUV2BGR_I420), np.uint8)
        return self._shown, len(data)


def _vp8(side: int, bits_per_second: int) -> Encode:
    """The server's own encoder."""
    encoder = Vp8Encoder(side, bits_per_second)
    return lambda picture, media_ms: bytes(encoder.encode(picture, media_ms))


def _h264(side: int, bits_per_second: int) -> Encode:
    """x264, as quick as it comes, its buffer a second long."""
    codec: Any = av.CodecContext.create("libx264", "w")
    codec.width = codec.height = side
    codec.pix_fmt, codec.time_base, codec.framerate = "yuv420p", Fraction(1, 1000), Fraction(1000 // FRAME_MS)
    codec.thread_count, codec.gop_size, codec.bit_rate = 1, 3000, bits_per_second
    rate = str(bits_per_second)
    codec.options = {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline", "maxrate": rate, "bufsize": rate}

    def encode(picture: Picture, media_ms: int) -> bytes:
        frame = av.VideoFrame.from_ndarray(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8), format="yuv420p")
        frame.pts, frame.time_base = media_ms, Fraction(1, 1000)
        return b"".join(bytes(packet) for packet in codec.encode(frame))

    return encode
