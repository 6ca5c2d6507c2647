"""Pictures through a video codec and back, as a listener would see them, and what each took."""

import time
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.model_spec import FRAME_MS
from server.encoders import Vp8Encoder
from server.h264 import H264Encoder

Picture = NDArray[np.uint8]


class Decoder:
    """State: the decoder, and the picture that stands."""

    def __init__(self, codec: str) -> None:
        """codec: "vp8" or "h264"."""
        self._decoder: Any = av.CodecContext.create(codec, "r")
        self._decoder.thread_count = 1
        if codec == "h264":
            self._decoder.flags |= av.codec.context.Flags.low_delay
        self._shown: Picture = np.zeros((0, 0, 3), np.uint8)

    def decode(self, data: bytes) -> Picture:
        """A packet → the picture (BGR) that is shown from now on."""
        for frame in self._decoder.decode(av.Packet(data)):
            planar = frame.to_ndarray(format="yuv420p")
            self._shown = np.asarray(cv2.cvtColor(planar, cv2.COLOR_YUV2BGR_I420), np.uint8)
        return self._shown


class VideoTrial:
    """One of the server's own encoders at one rate. State: the encoder, the decoder, the picture that stands. encode_ms: what
    each picture took."""

    def __init__(self, codec: str, side: int, bits_per_second: int) -> None:
        """codec: "vp8" or "h264"."""
        self._encoder = (Vp8Encoder if codec == "vp8" else H264Encoder)(side, bits_per_second)
        self._decoder = Decoder(codec)
        self.encode_ms: list[float] = []
        self._shown = np.zeros((side, side, 3), np.uint8)

    def push(self, picture: Picture, index: int) -> tuple[Picture, int]:
        """A picture (BGR) → what a listener then sees, and the bytes that it took."""
        began_s = time.perf_counter()
        data = bytes(self._encoder.encode(picture, index * FRAME_MS))
        self.encode_ms.append(1000 * (time.perf_counter() - began_s))
        if data:
            self._shown = self._decoder.decode(data)
        return self._shown, len(data)
