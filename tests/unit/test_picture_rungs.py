"""Kinds of pictures: which there are, and what is encoded for whom."""

from typing import Any

import av
import numpy as np
import pytest

from server.ladder import Rung
from server.picture_codec import PictureCodec
from server.picture_rungs import SLOW_FRAME_MS, Kind, PictureRungs


@pytest.mark.parametrize(
    ("side", "rungs"),
    [(512, (Rung.FULL, Rung.HALF, Rung.SLOW)), (384, (Rung.FULL, Rung.SLOW)), (256, (Rung.FULL, Rung.SLOW))],
)
def test_small_pictures_have_one_size(side: int, rungs: tuple[Rung, ...]) -> None:
    assert PictureRungs(side).rungs == rungs


@pytest.mark.parametrize("codec", PictureCodec)
def test_what_is_encoded_is_what_is_asked_for(codec: PictureCodec) -> None:
    rungs, sides = PictureRungs(512), {}
    image = np.random.default_rng(1).integers(0, 255, (512, 512, 3)).astype(np.uint8)
    assert rungs.encode(image, 0, set()) == {}
    for kind, packet in rungs.encode(image, SLOW_FRAME_MS, {Kind(codec, rung) for rung in rungs.rungs}).items():
        decoder: Any = av.CodecContext.create(codec.lower(), "r")
        frame = (decoder.decode(packet) + decoder.decode(None))[0]
        sides[kind.rung] = frame.width
    assert sides == {Rung.FULL: 512, Rung.HALF: 256, Rung.SLOW: 256}


@pytest.mark.parametrize("codec", PictureCodec)
def test_the_slow_ones_are_half_as_many_and_keep_to_few_bits(codec: PictureCodec) -> None:
    rungs, sizes, slow = PictureRungs(512), [], Kind(codec, Rung.SLOW)
    rungs.limit(slow, 40_000)
    portrait = np.kron(np.random.default_rng(1).integers(0, 255, (32, 32, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    for index in range(250):
        picture = portrait.copy()
        picture[300:420, 180:330] = np.roll(portrait[300:420, 180:330], index % 7, axis=0)
        sizes.append(sum(packet.size for packet in rungs.encode(picture, 40 * index, {slow}).values()))
    assert [size > 0 for size in sizes] == [index % 2 == 0 for index in range(250)]
    kbps = 8 * sum(sizes[50:]) / (200 * 40)
    assert 15 < kbps < 55
