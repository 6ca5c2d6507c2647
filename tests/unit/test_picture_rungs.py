"""Sizes of pictures: which one a receiver gets, and what is encoded for it."""

import av
import numpy as np
import pytest

from server.picture_rungs import CLIMB_BPS, FALL_BPS, FULL, HALF, STEADY_S, PictureRungs, RungChoice


def test_down_at_once_and_up_when_there_was_room_for_a_while() -> None:
    choice = RungChoice(lowest=HALF)
    assert choice.judge(FALL_BPS, 0) == FULL
    assert choice.judge(FALL_BPS - 1, 1) == HALF
    assert choice.judge(CLIMB_BPS, 2) == HALF
    assert choice.judge(CLIMB_BPS - 1, 2 + STEADY_S) == HALF, "there was no room in between"
    assert choice.judge(CLIMB_BPS, 3 + STEADY_S) == HALF
    assert choice.judge(CLIMB_BPS, 2.9 + 2 * STEADY_S) == HALF
    assert choice.judge(CLIMB_BPS, 3 + 2 * STEADY_S) == FULL


def test_an_estimate_that_wavers_between_the_two_moves_nothing() -> None:
    choice = RungChoice(lowest=HALF)
    rungs = [choice.judge(bps, second) for second, bps in enumerate([130_000, 190_000, 121_000, 199_000] * 5)]
    assert rungs == [FULL] * 20


@pytest.mark.parametrize(("side", "lowest"), [(512, HALF), (384, FULL), (256, FULL)])
def test_small_pictures_have_one_size(side: int, lowest: int) -> None:
    assert PictureRungs(side).lowest == lowest
    assert RungChoice(lowest=PictureRungs(side).lowest).judge(1, 0) == lowest


def test_what_is_encoded_is_what_is_asked_for() -> None:
    rungs, sides = PictureRungs(512), {}
    image = np.random.default_rng(1).integers(0, 255, (512, 512, 3)).astype(np.uint8)
    assert rungs.encode(image, 0, set()) == {}
    for rung, packet in rungs.encode(image, 40, {FULL, HALF}).items():
        frame = av.CodecContext.create("vp8", "r").decode(packet)[0]
        sides[rung] = frame.width
    assert sides == {FULL: 512, HALF: 256}
