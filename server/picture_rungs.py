"""Pictures of several kinds from one drawing: receivers on a poor line get smaller and fewer ones, each in the codec that it
takes, and the others are not made to wait for them."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from server.encoders import EncodedPacket, Vp8Encoder
from server.h264 import H264Encoder
from server.ladder import Rung
from server.picture_codec import PictureCodec

SMALLEST_SIDE = 256  # smaller ones save nothing: below it rates fall, not the size
SLOW_FRAME_MS = 80
SLOW_LEAST_BPS, SLOW_START_BPS, HALF_START_BPS = 30_000, 60_000, 200_000


class Kind(NamedTuple):
    """What one encoder makes."""

    codec: PictureCodec
    rung: Rung


class PictureEncoder(Protocol):
    """`Vp8Encoder`, `H264Encoder`: they cost nothing before their first picture."""

    def limit(self, bits_per_second: int) -> None: ...

    def request_keyframe(self) -> None: ...

    def encode(self, image: NDArray[np.uint8], media_ms: int) -> EncodedPacket: ...


class PictureRungs:
    """One encoder a kind. `encode` is called by one thread at a time; the rest by the event loop. rungs: those that there are."""

    def __init__(self, side: int) -> None:
        small = side // 2 if side // 2 >= SMALLEST_SIDE else side
        self._sides = {Rung.FULL: side, Rung.HALF: small, Rung.SLOW: small}
        if small == side:
            del self._sides[Rung.HALF]
        self._encoders = {
            Kind(codec, rung): _encoder(codec, rung, of_side) for codec in PictureCodec for rung, of_side in self._sides.items()
        }
        self.rungs = tuple(self._sides)

    def request_keyframe(self, kind: Kind) -> None:
        self._encoders[kind].request_keyframe()

    def limit(self, kind: Kind, bits_per_second: int) -> None:
        """The least that the lines of those who get this kind allow."""
        self._encoders[kind].limit(bits_per_second)

    def encode(self, image: NDArray[np.uint8], media_ms: int, kinds: Collection[Kind]) -> dict[Kind, EncodedPacket]:
        """BGR [S, S, 3] of a media time → a packet for each kind that shows it."""
        packets, smaller = {}, image
        for kind in kinds:
            if kind.rung == Rung.SLOW and media_ms % SLOW_FRAME_MS:
                continue
            side = self._sides[kind.rung]
            if side != len(image) and smaller is image:
                smaller = np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
            packets[kind] = self._encoders[kind].encode(smaller if side != len(image) else image, media_ms)
        return packets


def _encoder(codec: PictureCodec, rung: Rung, side: int) -> PictureEncoder:
    kind = Vp8Encoder if codec == PictureCodec.VP8 else H264Encoder
    if rung == Rung.SLOW:
        return kind(side, SLOW_START_BPS, least_bps=SLOW_LEAST_BPS)
    return kind(side, HALF_START_BPS) if rung == Rung.HALF else kind(side)
