"""Pictures of two sizes from one drawing: receivers on a poor line get the smaller, the others are not made to wait for them."""

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from server.encoders import EncodedPacket, Vp8Encoder

FULL, HALF = 0, 1
SMALLEST_SIDE = 256  # smaller ones save nothing: below it the rate falls, not the size
FALL_BPS, CLIMB_BPS = 120_000, 200_000  # apart, so that a wavering estimate does not make the picture jump
STEADY_S = 5.0


@dataclass(kw_only=True)
class RungChoice:
    """Which size one receiver gets, by its estimates: down at once, up when there has been room for a while."""

    lowest: int
    rung: int = FULL
    _room_since_s: float | None = None

    def judge(self, estimate_bps: int, now_s: float) -> int:
        """The rung from now on."""
        if self.rung == FULL:
            if estimate_bps < FALL_BPS:
                self.rung, self._room_since_s = self.lowest, None
        elif estimate_bps < CLIMB_BPS:
            self._room_since_s = None
        elif self._room_since_s is None:
            self._room_since_s = now_s
        elif now_s - self._room_since_s >= STEADY_S:
            self.rung = FULL
        return self.rung


class PictureRungs:
    """One encoder a size, made when somebody needs it. `encode` is called by one thread at a time; the rest by the event loop."""

    def __init__(self, side: int) -> None:
        self._side = side
        self.lowest = HALF if side // 2 >= SMALLEST_SIDE else FULL
        self._encoders = {FULL: Vp8Encoder(side)} | ({HALF: Vp8Encoder(side // 2)} if self.lowest == HALF else {})

    def request_keyframe(self, rung: int) -> None:
        self._encoders[rung].request_keyframe()

    def limit(self, rung: int, bits_per_second: int) -> None:
        """The least estimate of those who get this size."""
        self._encoders[rung].limit(bits_per_second)

    def encode(self, image: NDArray[np.uint8], media_ms: int, rungs: Collection[int]) -> dict[int, EncodedPacket]:
        """BGR [S, S, 3] of a media time → a packet a rung."""
        packets = {}
        for rung in rungs:
            picture = image if rung == FULL else cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            packets[rung] = self._encoders[rung].encode(np.asarray(picture, np.uint8), media_ms)
        return packets
