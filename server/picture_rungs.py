"""Pictures of several kinds from one drawing: receivers on a poor line get smaller and fewer ones, the others are not made to
wait for them."""

from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray

from server.encoders import EncodedPacket, Vp8Encoder
from server.ladder import Rung

SMALLEST_SIDE = 256  # smaller ones save nothing: below it rates fall, not the size
SLOW_FRAME_MS = 80
SLOW_LEAST_BPS, SLOW_START_BPS = 30_000, 60_000


class PictureRungs:
    """One encoder a rung. `encode` is called by one thread at a time; the rest by the event loop. rungs: those that there are."""

    def __init__(self, side: int) -> None:
        small = side // 2 if side // 2 >= SMALLEST_SIDE else side
        self._sides = {Rung.FULL: side, Rung.HALF: small, Rung.SLOW: small}
        if small == side:
            del self._sides[Rung.HALF]
        self._encoders = {rung: _encoder(rung, of_side) for rung, of_side in self._sides.items()}
        self.rungs = tuple(self._sides)

    def request_keyframe(self, rung: Rung) -> None:
        self._encoders[rung].request_keyframe()

    def limit(self, rung: Rung, bits_per_second: int) -> None:
        """The least estimate of those who are on this rung."""
        self._encoders[rung].limit(bits_per_second)

    def encode(self, image: NDArray[np.uint8], media_ms: int, rungs: Collection[Rung]) -> dict[Rung, EncodedPacket]:
        """BGR [S, S, 3] of a media time → a packet for each rung that shows it."""
        packets, smaller = {}, image
        for rung in rungs:
            if rung == Rung.SLOW and media_ms % SLOW_FRAME_MS:
                continue
            side = self._sides[rung]
            if side != len(image) and smaller is image:
                smaller = np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
            packets[rung] = self._encoders[rung].encode(smaller if side != len(image) else image, media_ms)
        return packets


def _encoder(rung: Rung, side: int) -> Vp8Encoder:
    return Vp8Encoder(side, SLOW_START_BPS, least_bps=SLOW_LEAST_BPS) if rung == Rung.SLOW else Vp8Encoder(side)
